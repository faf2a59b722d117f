"""What was said of a stretch becomes a prediction on disk, as soon as there is enough of it.

Of a video a line for every 100 s, of an event one line. Knows neither engine nor journal.
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

CHUNK_S: Final = 100.0  # of a line
ON_TIME_S: Final = 1e-3  # sums of fractions are not exact


class Prediction(Protocol):
    """What was said of one stretch, and is to be written."""

    def add(self, one: SaidRound) -> None:
        """One more round. Raises `OutputError`."""
        ...

    def finish(self, end_s: float) -> None:
        """No more rounds come; up to `end_s` the video was commented on, or silence was. Raises `OutputError`."""
        ...


class Predictions(Closing):
    """A file of predictions that grows. What was there stays, and is not written again."""

    notice: str  # about what was there

    @abstractmethod
    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether all of a stretch is there."""

    @abstractmethod
    def begin(self, stretch: VideoStretch) -> Prediction:
        """That of a stretch, from its first round on, also where some of it is there."""


class CommentaryPredictions(Predictions):
    """Of Inf-Streams-Eval: a line for every 100 s of a video. Raises as `CommentaryFile` does."""

    def __init__(self, path: Path) -> None:
        self._file = CommentaryFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether all of a stretch is there."""
        return all(self._file.holds(stretch.video, start_s) for start_s, _ in _chunks(stretch))

    def begin(self, stretch: VideoStretch) -> Prediction:
        """That of a stretch, from its first round on, also where some of it is there."""
        return _OfVideo(stretch, self._file)

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class EventPredictions(Predictions):
    """Of LiveSports-3K CC: a line an event. Raises as `EventPredictionFile` does."""

    def __init__(self, path: Path) -> None:
        self._file = EventPredictionFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether it is there."""
        return self._file.is_done((stretch.video, stretch.event_id))

    def begin(self, stretch: VideoStretch) -> Prediction:
        """That of an event."""
        return _OfEvent(stretch, self._file)

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class _OfVideo:
    def __init__(self, stretch: VideoStretch, file: CommentaryFile) -> None:
        self._stretch, self._file = stretch, file
        self._chunks = list(_chunks(stretch))  # that are not over yet
        self._items: list[CommentedItem] = []

    def add(self, one: SaidRound) -> None:
        """A round belongs to the chunk in which it ends, as it does to a clip when it is judged; the last takes all."""
        while len(self._chunks) > 1 and one.end_s > self._chunks[0][1] + ON_TIME_S:
            self._write(self._chunks[0][1])
        if said := _said(one):
            self._items.append(CommentedItem(said, _tidy(one.start_s), _tidy(one.end_s)))
        if len(self._chunks) > 1 and one.end_s >= self._chunks[0][1] - ON_TIME_S:
            self._write(self._chunks[0][1])

    def finish(self, end_s: float) -> None:
        """What is left, up to there."""
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
        """Its words, if there are any."""
        self._said += filter(None, [_said(one)])

    def finish(self, end_s: float) -> None:
        """All that was said, under the event's own times; nothing of an event that its video does not reach."""
        one = self._stretch
        if end_s > one.start_s:
            self._file.append(EventPrediction(one.video, one.event_id, one.start_s, one.end_s, " ".join(self._said)))


def _chunks(stretch: VideoStretch) -> list[tuple[float, float]]:
    return [(_tidy(start_s), _tidy(end_s)) for start_s, end_s in cut(stretch.start_s, stretch.end_s, CHUNK_S)]


def _said(one: SaidRound) -> str:
    return plain_text(one.text).strip() if says_something(one.text) else ""


def _tidy(time_s: float) -> float:
    """To the millisecond; whole seconds as the published files have them."""
    rounded = round(float(time_s), 3)
    return int(rounded) if rounded.is_integer() else rounded
