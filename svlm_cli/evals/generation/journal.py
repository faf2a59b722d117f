"""What is under way, on disk: each round of a stream, in a folder beside the predictions, until its stretch is done.

So a run that is killed, at any moment, goes on where it was. Knows neither engine nor predictions.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.text import slug
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.jsonl.lines import AppendedLines, LineError, number, text
from svlm_cli.media.locked import part_of
from svlm_cli.outputs.destination import make_folder

_ROUNDS: Final = ".jsonl"
_SNAPSHOT: Final = ".state"
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class SaidRound:
    """What was said in one round."""

    start_s: float
    end_s: float
    text: str  # as generated, without the marker
    token_ids: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """As files have it."""
        return {"start": self.start_s, "end": self.end_s, "text": self.text, "token_ids": list(self.token_ids)}


class Journal(Closing):
    """The rounds of one stretch, a line each; those that were there, and those that come.

    Raises `InputError` if it holds anything else, `OutputError` if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lines = AppendedLines(path, ('{"start":',))
        self.rounds: list[SaidRound] = []
        try:
            for line, row in self._lines.before.rows:
                with self._lines.before.at(line):
                    self.rounds.append(_round(row))
        except BaseException:
            self.close()
            raise

    def append(self, one: SaidRound) -> None:
        """One more round, all of it or, if that fails, nothing. Raises `OutputError`."""
        self._lines.append(one.to_json())
        self.rounds.append(one)

    def close(self) -> None:
        """Nothing more comes."""
        self._lines.close()


def _round(row: Mapping[str, Any]) -> SaidRound:
    match row.get("token_ids"):
        case [int(), *_] as ids if all(type(one) is int for one in ids):
            return SaidRound(number(row, "start"), number(row, "end"), text(row, "text"), tuple(ids))
    raise LineError("cannot be used: token_ids must be a list of whole numbers")


class RoundsFolder:
    """``PRED.jsonl.rounds/``: a journal and a snapshot for each stretch that is under way."""

    def __init__(self, predictions: Path) -> None:
        self.path = predictions.with_name(f"{predictions.name}.rounds")

    def make(self) -> None:
        """It is there. Raises `OutputError`."""
        make_folder(self.path, "Choose another name for the predictions.")

    def journal(self, stretch: VideoStretch) -> Journal:
        """That of a stretch, which may be empty."""
        return Journal(self._file(stretch, _ROUNDS))

    def snapshot(self, stretch: VideoStretch) -> Path:
        """Where the newest snapshot of its stream is, if there is one."""
        return self._file(stretch, _SNAPSHOT)

    def discard(self, stretch: VideoStretch) -> None:
        """It is done, and on disk elsewhere."""
        snapshot = self.snapshot(stretch)
        for path in (part_of(snapshot), snapshot, self._file(stretch, _ROUNDS)):
            with suppress(OSError):  # not there; or it stays, and does no harm
                path.unlink()

    def remove(self, *, everything: bool = False) -> None:
        """The folder goes if it is empty, or with `everything` that runs have left in it."""
        with suppress(OSError):  # not there, or not empty
            for path in self.path.iterdir() if everything else ():
                if path.name.removesuffix(".part").endswith((_ROUNDS, _SNAPSHOT)):
                    path.unlink()
            self.path.rmdir()

    def _file(self, stretch: VideoStretch, suffix: str) -> Path:
        return self.path / f"{_file_name(stretch)}{suffix}"


def _file_name(stretch: VideoStretch) -> str:
    """``ID``, ``ID-1000`` of a piece; with digits after it where another stretch might be called so too."""
    named = stretch.key.replace(".mp4", "", 1).replace("/", "-")
    plain = slug(named, otherwise="video")
    if plain == named and not stretch.event_id:
        return plain
    return f"{plain}-{hashlib.sha256(stretch.key.encode()).hexdigest()[:_DIGITS]}"
