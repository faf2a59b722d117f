"""What comes of stretches on disk: the journal of each one in progress, predictions, and the totals of a run.

Knows neither the engine that says the rounds nor the terminal.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from svlm_cli.core.errors import CapacityError, InputError, SvlmError
from svlm_cli.core.text import says_something
from svlm_cli.evals.generation.journal import Journal, SaidRound
from svlm_cli.evals.generation.place import PredictionPlace
from svlm_cli.evals.generation.predictions import ON_TIME_S, Prediction
from svlm_cli.evals.generation.stretches import VideoStretch

NEARLY_S: Final = 1.0  # headers, audio and video of a file end at slightly different times


@dataclass(slots=True, eq=False)
class GenerationOutcome:
    """The result of a run."""

    rounds: int = 0
    spoken: int = 0  # those with words
    tokens: int = 0
    video_s: float = 0.0  # captioned
    wall_s: float = 0.0
    done: int = 0  # stretches, including those done earlier
    errors: list[SvlmError] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Seconds of video per second."""
        return self.video_s / self.wall_s if self.wall_s else 0.0

    def sentence(self) -> str:
        """A summary for people."""
        return (
            f"{self.video_s:.0f} s of video in {self.wall_s:.0f} s: {self.speed:.1f} x real time; "
            f"{self.spoken} of {self.rounds} rounds spoken, {self.tokens} tokens."
        )

    def to_json(self) -> dict[str, float]:
        """A summary for programs."""
        times = {"video_s": self.video_s, "wall_s": self.wall_s, "speed": self.speed}
        counts = {"rounds": self.rounds, "spoken": self.spoken, "tokens": self.tokens}
        return {key: round(value, 3) for key, value in times.items()} | counts


@dataclass(frozen=True, slots=True)
class GenerationListener:
    """Callbacks for progress."""

    notice: Callable[[str], None]
    failure: Callable[[SvlmError], None]  # of one stretch
    progress: Callable[[float, float], None]  # seconds of video done and in total; and seconds per second


@dataclass(frozen=True, slots=True)
class StretchEnding:
    """How the video of a stretch ended: plain picklable data."""

    error: SvlmError | None = None
    notices: tuple[str, ...] = ()
    truncated: bool = False  # it broke off early
    duration_s: float | None = None  # by its header
    over_s: float | None = None  # set if the video ends before the first round


@dataclass(slots=True, eq=False)
class RecordedStretch:
    """A stretch in progress, and its words so far."""

    stretch: VideoStretch
    journal: Journal
    prediction: Prediction

    @property
    def reached_s(self) -> float:
        """The end of its last round."""
        return self.journal.rounds[-1].end_s if self.journal.rounds else self.stretch.start_s


class GenerationRecord:
    """The stretches of one run. Each one that `begin` returns is passed to `end` or `fail`."""

    def __init__(
        self,
        place: PredictionPlace,
        telling: GenerationListener,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self.outcome = GenerationOutcome()
        self._telling, self._now_s = telling, now_s
        self._open: dict[str, RecordedStretch] = {}
        self._done_s = 0.0
        self._started_s = now_s()
        place.rounds.make()

    def skip(self, stretch: VideoStretch) -> bool:
        """Whether nothing is left to do of a stretch, which then counts as done."""
        if not is_done(stretch, self.place):
            return False
        self.outcome.done += 1
        self._advance(stretch.end_s - stretch.start_s)
        return True

    def begin(self, stretch: VideoStretch) -> RecordedStretch | None:
        """Start with the first round, or where an earlier run stopped; None if that was at the end.

        Raises `InputError` and `OutputError`.
        """
        journal = self.place.rounds.journal(stretch)
        one = RecordedStretch(stretch, journal, self.place.predictions.begin(stretch))
        self._open[stretch.key] = one
        for said in journal.rounds:
            one.prediction.add(said)
        self._advance(one.reached_s - stretch.start_s)
        if one.reached_s >= stretch.end_s - ON_TIME_S:
            self._finish(one, one.reached_s)
            return None
        return one

    def add(self, one: RecordedStretch, said: SaidRound) -> None:
        """Write a round, first of all to the journal. Raises `OutputError`."""
        one.journal.append(said)
        outcome, length_s = self.outcome, said.end_s - said.start_s
        outcome.rounds += 1
        outcome.spoken += says_something(said.text)
        outcome.tokens += len(said.token_ids)
        outcome.video_s += length_s
        self._advance(length_s)
        one.prediction.add(said)

    def end(self, one: RecordedStretch, ending: StretchEnding) -> None:
        """Handle the end of a stretch."""
        stretch, error, end_s = one.stretch, ending.error, one.reached_s
        if ending.over_s is not None and not one.journal.rounds:
            end_s = min(ending.over_s, stretch.start_s)
        for notice in ending.notices:
            self._telling.notice(notice)
        if error is None and ending.truncated and end_s < stretch.end_s - NEARLY_S:
            error = InputError(
                f"{stretch.path} ends too early.", "Fetch it again; then run the same command to continue."
            )
        if isinstance(error, CapacityError):
            self._telling.notice(f"{stretch.name} is silent from {end_s:g} s on: {error.message}")
            end_s, error = max(end_s, min(stretch.end_s, ending.duration_s or stretch.end_s)), None
        try:
            if error is not None:
                raise error
            self._finish(one, end_s)
        except SvlmError as failure:
            self.fail(stretch, failure)

    def fail(self, stretch: VideoStretch, error: SvlmError) -> None:
        """Keep its rounds, for a run after the video is repaired."""
        one = self._open.pop(stretch.key, None)
        if one is not None:
            one.journal.close()
            self._advance(stretch.end_s - one.reached_s)
            if not one.journal.rounds:
                self.place.rounds.discard(stretch)
        self.outcome.errors.append(error)
        self._telling.failure(error)

    def close(self, *, everything: bool) -> None:
        """The run is over. With `everything` done, no work in progress is left on disk."""
        for one in self._open.values():
            one.journal.close()
        self.outcome.wall_s = self._now_s() - self._started_s
        self.place.rounds.remove(everything=everything)

    def _finish(self, one: RecordedStretch, end_s: float) -> None:
        """Mark it as done up to `end_s`, with all of it on disk, and delete its work in progress."""
        stretch, made_by = one.stretch, self.place.made_by
        if end_s > stretch.start_s and end_s >= stretch.end_s - NEARLY_S:
            one.prediction.finish(stretch.end_s)
        else:
            one.prediction.finish(end_s)
            if stretch.video not in made_by.ended:
                self._telling.notice(too_short(stretch.video, end_s))
            made_by.end(stretch.video, end_s)
        del self._open[stretch.key]
        one.journal.close()
        self._advance(stretch.end_s - one.reached_s)
        self.place.rounds.discard(stretch)
        self.outcome.done += 1

    def _advance(self, video_s: float) -> None:
        self._done_s += video_s
        took_s = self._now_s() - self._started_s
        self._telling.progress(self._done_s, self.outcome.video_s / took_s if took_s else 0.0)


def is_done(stretch: VideoStretch, place: PredictionPlace) -> bool:
    """Whether nothing is left to do: everything is on disk, or the video ends earlier."""
    if place.predictions.is_done(stretch):
        return True
    ended_s = place.made_by.ended.get(stretch.video)
    if ended_s is None:
        return False
    return ended_s <= stretch.start_s or (stretch.is_whole and ended_s < stretch.end_s)


def too_short(video: str, at_s: float) -> str:
    """A sentence about a video that ends before its annotations."""
    return f"{video} ends at {at_s:g} s, before its annotations do: the rest is not covered."
