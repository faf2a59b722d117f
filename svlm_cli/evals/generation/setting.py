"""Records the setting of predictions in a file beside them, and refuses to continue with another.

Knows neither engine nor server: the generator decides what is compared.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError, OutputExistsError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.text import plain_text
from svlm_cli.core.version import __version__
from svlm_cli.jsonl.lines import is_time, read_data
from svlm_cli.outputs.destination import text_file

_TOLD_ALONE: Final = "model"  # not compared: the same model may have another name elsewhere
_WAY_OUT: Final = "Use --overwrite to start again, or choose another -o."


@dataclass(frozen=True, slots=True)
class StreamSetting:
    """Everything that determines what a streaming model says, and about what."""

    benchmark: str
    model: str  # its name
    model_files: str  # their fingerprint
    dtype: str
    policy: StreamPolicy
    query: str
    seed: int
    annotations: str  # SHA-256 of the file
    start: float | None = None  # per video, in seconds; None: at its events
    chunk: float | None = None  # start a new stream every so many seconds

    def to_json(self) -> dict[str, Any]:
        """As in files."""
        return asdict(self)


def made_by(predictions: Path) -> str:
    """The model that made them, and the SHA-256 of its setting; empty if there is no file about it."""
    made = RunFile(predictions)
    if not made.path.exists():
        return ""
    setting = made.setting()
    told = [plain_text(str(setting[key])) for key in ("model", "model_files", "server") if setting.get(key)]
    decisive = {key: value for key, value in setting.items() if key != _TOLD_ALONE}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return ", ".join([*told, f"setting {digest}"])


class RunFile:
    """``PRED.jsonl.run.json``: a setting, and the videos that end before their annotations."""

    def __init__(self, predictions: Path) -> None:
        self._predictions = predictions
        self.path = predictions.with_name(f"{predictions.name}.run.json")
        self._setting: dict[str, Any] = {}
        self.ended: dict[str, float] = {}  # by video, in seconds

    def begin(self, setting: Mapping[str, Any]) -> None:
        """Start or continue predictions with this setting.

        `OutputExistsError` if they were begun with another setting, or an unknown one.
        """
        wanted = json.loads(json.dumps(setting))  # turns tuples into lists, as in the file
        name = plain_text(str(self._predictions))
        if self.path.exists():
            self._read()
            different = [key for key in (wanted | self._setting) if wanted.get(key) != self._setting.get(key)]
            if told := [key.replace("_", " ") for key in different if key != _TOLD_ALONE]:
                raise OutputExistsError(f"{name} was begun with another setting: {', '.join(told)}.", _WAY_OUT)
            return
        if self._predictions.exists() and self._predictions.stat().st_size:
            raise OutputExistsError(
                f"{name} exists already, and the settings that it was made with are missing.", _WAY_OUT
            )
        self._setting = wanted
        self._write()

    def setting(self) -> Mapping[str, Any]:
        """The recorded setting. Raises `InputError`."""
        self._read()
        return self._setting

    def end(self, video: str, at_s: float) -> None:
        """Record that a video ends at `at_s`. Raises `OutputError`."""
        self.ended[video] = at_s
        self._write()

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        told = {"setting": self._setting, "svlm": __version__, "ended": self.ended}
        with text_file(self.path, overwrite=True) as file:
            file.write(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def _read(self) -> None:
        try:
            match strict_json.parse(read_data(self.path)):
                case {"setting": dict() as setting, "ended": dict() as ended} if all(map(is_time, ended.values())):
                    self._setting, self.ended = setting, ended
                    return
        except strict_json.JsonError:
            pass
        raise InputError(f"{self.path} was not written by svlm, or is damaged.", _WAY_OUT)
