"""Saves work in progress: every round of a stream, in a folder beside the predictions, until its stretch is done.

So a run that is killed at any moment can be continued. Knows neither engine nor predictions.
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
_FAILURES: Final = ".failures.jsonl"  # no video has this name
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class SaidRound:
    """The words of one round."""

    start_s: float
    end_s: float
    text: str  # as generated, without marker
    token_ids: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """As in files."""
        return {"start": self.start_s, "end": self.end_s, "text": self.text, "token_ids": list(self.token_ids)}


class Journal(Closing):
    """The rounds of one stretch, one per line: existing and new ones.

    Raises `InputError` if the file holds anything else, `OutputError` if it cannot be written.
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
        """Add a round, completely or, if that fails, not at all. Raises `OutputError`."""
        self._lines.append(one.to_json())
        self.rounds.append(one)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _round(row: Mapping[str, Any]) -> SaidRound:
    match row.get("token_ids"):
        case [int(), *_] as ids if all(type(one) is int for one in ids):
            return SaidRound(number(row, "start"), number(row, "end"), text(row, "text"), tuple(ids))
    raise LineError("cannot be used: token_ids must be a list of whole numbers")


class RoundsFolder:
    """``PRED.jsonl.rounds/``: a journal and a snapshot per stretch in progress."""

    def __init__(self, predictions: Path) -> None:
        self.path = predictions.with_name(f"{predictions.name}.rounds")

    def make(self) -> None:
        """Create the folder. Raises `OutputError`."""
        make_folder(self.path, "Choose another name for the predictions.")

    def journal(self, stretch: VideoStretch) -> Journal:
        """The journal of a stretch, possibly empty."""
        return Journal(self._file(stretch, _ROUNDS))

    def snapshot(self, stretch: VideoStretch) -> Path:
        """The path of its stream's latest snapshot, which may not exist."""
        return self._file(stretch, _SNAPSHOT)

    @property
    def failures(self) -> Path:
        """What failed in a run that has not come to its end, where a fleet remembers that."""
        return self.path / _FAILURES

    def discard(self, stretch: VideoStretch) -> None:
        """Delete the files of a stretch whose prediction is on disk."""
        snapshot = self.snapshot(stretch)
        for path in (part_of(snapshot), snapshot, self._file(stretch, _ROUNDS)):
            with suppress(OSError):  # does not exist; or cannot be deleted, which is harmless
                path.unlink()

    def remove(self, *, everything: bool = False) -> None:
        """Remove the folder if it is empty, or, with `everything`, with all files of earlier runs."""
        with suppress(OSError):  # does not exist, or is not empty
            for path in self.path.iterdir() if everything else ():
                if path.name.removesuffix(".part").endswith((_ROUNDS, _SNAPSHOT)):
                    path.unlink()
            self.path.rmdir()

    def _file(self, stretch: VideoStretch, suffix: str) -> Path:
        return self.path / f"{_file_name(stretch)}{suffix}"


def _file_name(stretch: VideoStretch) -> str:
    """``ID``, or ``ID-1000`` for a piece; with a hash appended if another stretch could get the same name."""
    named = stretch.key.replace(".mp4", "", 1).replace("/", "-")
    plain = slug(named, otherwise="video")
    if plain == named and not stretch.event_id:
        return plain
    return f"{plain}-{hashlib.sha256(stretch.key.encode()).hexdigest()[:_DIGITS]}"
