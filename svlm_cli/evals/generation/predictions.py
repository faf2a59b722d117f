"""Writes the rounds of a stretch as predictions, as soon as a line is complete.

One line per 100 s of a video, or one per event. Knows neither engine nor journal.
"""

from abc import abstractmethod
from pathlib import Path
from typing import Final, Protocol

from svlm_cli.core.closing import Closing
from svlm_cli.core.text import plain_text, says_something
from svlm_cli.evals.benchmarks.chunks import CommentaryFile, CommentedChunk, CommentedItem
from svlm_cli.evals.benchmarks.livesports import EventPrediction, EventPredictionFile
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.stretches import VideoStretch, cut

CHUNK_S: Final = 100.0  # per line
ON_TIME_S: Final = 1e-3  # tolerance, as sums of fractions are inexact


class Prediction(Protocol):
    """The prediction for one stretch, being written."""

    def add(self, one: SaidRound) -> None:
        """Add a round. Raises `OutputError`."""
        ...

    def finish(self, end_s: float) -> None:
        """No more rounds come; the video was covered up to `end_s`, even if in silence. Raises `OutputError`."""
        ...


class Predictions(Closing):
    """A prediction file that is appended to. Existing predictions are kept, and not made again."""

    notice: str  # about existing predictions

    @abstractmethod
    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether a stretch is complete."""

    @abstractmethod
    def begin(self, stretch: VideoStretch) -> Prediction:
        """The prediction for a stretch, starting with its first round, even if part of it exists."""


class CommentaryPredictions(Predictions):
    """For Inf-Streams-Eval: one line per 100 s of a video. Raises what `CommentaryFile` does."""

    def __init__(self, path: Path) -> None:
        self._file = CommentaryFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether a stretch is complete."""
        return all(self._file.holds(stretch.video, start_s) for start_s, _ in _chunks(stretch))

    def begin(self, stretch: VideoStretch) -> Prediction:
        """The prediction for a stretch, starting with its first round, even if part of it exists."""
        return _OfVideo(stretch, self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventPredictions(Predictions):
    """For LiveSports-3K CC: one line per event. Raises what `EventPredictionFile` does."""

    def __init__(self, path: Path) -> None:
        self._file = EventPredictionFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether it exists."""
        return self._file.is_done((stretch.video, stretch.event_id))

    def begin(self, stretch: VideoStretch) -> Prediction:
        """The prediction for an event."""
        return _OfEvent(stretch, self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _OfVideo:
    def __init__(self, stretch: VideoStretch, file: CommentaryFile) -> None:
        self._stretch, self._file = stretch, file
        self._chunks = list(_chunks(stretch))  # those that have not ended
        self._items: list[CommentedItem] = []

    def add(self, one: SaidRound) -> None:
        """A round belongs to the chunk in which it ends, as in judging; the last chunk takes the rest."""
        while len(self._chunks) > 1 and one.end_s > self._chunks[0][1] + ON_TIME_S:
            self._write(self._chunks[0][1])
        if said := _said(one):
            self._items.append(CommentedItem(said, _tidy(one.start_s), _tidy(one.end_s)))
        if len(self._chunks) > 1 and one.end_s >= self._chunks[0][1] - ON_TIME_S:
            self._write(self._chunks[0][1])

    def finish(self, end_s: float) -> None:
        """Write the rest, up to `end_s`."""
        while self._chunks and self._chunks[0][0] < end_s - ON_TIME_S:
            self._write(min(self._chunks[0][1], end_s))

    def _write(self, end_s: float) -> None:
        (start_s, _), video = self._chunks.pop(0), self._stretch.video
        items, self._items = tuple(self._items), []
        if not self._file.holds(video, start_s):
            self._file.append(CommentedChunk(video, start_s, _tidy(end_s), items))


class _OfEvent:
    def __init__(self, stretch: VideoStretch, file: EventPredictionFile) -> None:
        self._stretch, self._file = stretch, file
        self._said: list[str] = []

    def add(self, one: SaidRound) -> None:
        """Add its words, if any."""
        self._said += filter(None, [_said(one)])

    def finish(self, end_s: float) -> None:
        """Write all words with the event's own times; nothing if the video ends before the event."""
        one = self._stretch
        if end_s > one.start_s:
            self._file.append(EventPrediction(one.video, one.event_id, one.start_s, one.end_s, " ".join(self._said)))


def _chunks(stretch: VideoStretch) -> list[tuple[float, float]]:
    return [(_tidy(start_s), _tidy(end_s)) for start_s, end_s in cut(stretch.start_s, stretch.end_s, CHUNK_S)]


def _said(one: SaidRound) -> str:
    return plain_text(one.text).strip() if says_something(one.text) else ""


def _tidy(time_s: float) -> float:
    """Rounded to ms; whole seconds as integers, as in the published files."""
    rounded = round(float(time_s), 3)
    return int(rounded) if rounded.is_integer() else rounded
