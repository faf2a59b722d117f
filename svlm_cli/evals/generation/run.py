"""Runs stretches of videos through the streaming engine in batches, and saves every round at once.

Each stretch in progress has a journal, and every few minutes a snapshot of its stream, so that a run killed at any
moment can be continued. Knows neither a benchmark's files nor the terminal.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from svlm_cli.core.errors import CapacityError, InputError, OutputError, SvlmError
from svlm_cli.core.text import says_something
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.generation.journal import Journal, SaidRound
from svlm_cli.evals.generation.place import PredictionPlace
from svlm_cli.evals.generation.predictions import ON_TIME_S, Prediction
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.outputs.output import Round
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.run import Feed, FeedReport, run
from svlm_cli.sources.files import FrameStream, open_frames
from svlm_cli.sources.sequential import Reading

SNAPSHOT_S: Final = 180.0  # wall time between snapshots of all streams; one of a 7B model takes half a gigabyte
SNAPSHOT_SHARE: Final = 0.02  # the maximum share of time; on slow disks, snapshots are less frequent
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


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A stretch and its words so far: the output of its feed."""

    stretch: VideoStretch
    journal: Journal
    prediction: Prediction
    note: Callable[[SaidRound], None]
    frames: FrameStream | None = None  # None until they are open
    over_s: float | None = None  # set if the video ends before the first round
    repeated: int = 0  # rounds in the journal that the stream has to replay

    @property
    def reached_s(self) -> float:
        return self.journal.rounds[-1].end_s if self.journal.rounds else self.stretch.start_s

    def write(self, segment: Round) -> None:
        """Write a round, first of all to the journal. Raises `OutputError`."""
        assert isinstance(segment, Segment), "its tokens are written too"
        if self.repeated:
            self.repeated -= 1
            return
        said = SaidRound(segment.start_s, segment.end_s, segment.text, segment.token_ids)
        self.journal.append(said)
        self.note(said)
        self.prediction.add(said)

    def close(self, *, complete: bool = True) -> None:  # noqa: ARG002  the journal is kept
        """No more rounds come."""
        self.journal.close()


class Generation:
    """One run over stretches. Call `generate`."""

    def __init__(
        self,
        engine: Engine,
        place: PredictionPlace,
        telling: GenerationListener,
        *,
        seed: int,
        query: str | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._place, self._telling = engine, place, telling
        self._seed, self._query, self._now_s = seed, query, now_s
        self._open: dict[str, _UnderWay] = {}
        self._outcome = GenerationOutcome()
        self._done_s = 0.0
        self._started = self._now_s()
        self._due_s = self._started + SNAPSHOT_S  # time of the next snapshots

    def generate(self, stretches: Sequence[VideoStretch], *, streams: int) -> GenerationOutcome:
        """Comment on all stretches, `streams` at a time. An error in one is reported and does not affect the others."""
        outcome, self._started = self._outcome, self._now_s()
        self._place.rounds.make()
        running = run(self._engine, self._feeds(stretches), max_streams=streams, between=self._keep)
        try:
            with closing(running) as reports:
                for report in reports:
                    self._end(report)
        finally:
            for one in self._open.values():
                one.close()
            outcome.wall_s = self._now_s() - self._started
            self._place.rounds.remove(everything=outcome.done == len(stretches))
        return outcome

    def _feeds(self, stretches: Sequence[VideoStretch]) -> Iterator[Feed]:
        """Yields a feed for each stretch that can be opened, when there is a free stream."""
        for stretch in stretches:
            try:
                if is_done(stretch, self._place):
                    self._outcome.done += 1
                    self._advance(stretch.end_s - stretch.start_s)
                elif (feed := self._begin(stretch)) is not None:
                    yield feed
            except SvlmError as error:
                self._fail(stretch, error)

    def _begin(self, stretch: VideoStretch) -> Feed | None:
        """Start with the first round, or where an earlier run stopped; None if nothing is left to do."""
        journal = self._place.rounds.journal(stretch)
        one = _UnderWay(stretch, journal, self._place.predictions.begin(stretch), self._note)
        self._open[stretch.key] = one
        for said in journal.rounds:
            one.prediction.add(said)
        self._advance(one.reached_s - stretch.start_s)
        if one.reached_s >= stretch.end_s - ON_TIME_S:
            self._finish(one, one.reached_s)
            return None
        remembered = self._remembered(one)
        start_s = journal.rounds[remembered - 1].end_s if remembered else stretch.start_s
        one.repeated, reading = len(journal.rounds) - remembered, Reading()

        def close() -> None:
            reading.stop()
            if one.frames is not None:
                one.frames.close()

        return Feed(
            stretch.key,
            self._watch(one, start_s, reading),
            close,
            lambda: [one],
            query=self._query,
            context=stretch.context,
            seed=stretch.seed(self._seed),
            snapshot=self._place.rounds.snapshot(stretch) if remembered else None,
            replayed=(said.token_ids for said in journal.rounds[remembered:]),
        )

    def _watch(self, one: _UnderWay, start_s: float, reading: Reading) -> Iterator[Chunk]:
        """Its chunks. A video is opened in its reader's thread, so that many can be opened at once."""
        stretch, policy = one.stretch, self._engine.policy
        try:
            one.frames = open_frames(
                stretch.path,
                fps=policy.vision.fps,
                start_s=start_s,
                end_s=stretch.end_s,
                enough_pixels=policy.vision.enough_pixels,
                reading=reading,
            )
        except InputError:
            if reading.duration_s is None or reading.duration_s >= start_s + NEARLY_S:
                raise
            one.over_s = reading.duration_s
            return
        with one.frames:
            yield from chunks(one.frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds)

    def _remembered(self, one: _UnderWay) -> int:
        """The number of rounds in its snapshot; 0 without a usable one."""
        path = self._place.rounds.snapshot(one.stretch)
        if not path.exists():
            return 0
        seed = one.stretch.seed(self._seed)
        with self._engine.open(query=self._query, context=one.stretch.context, seed=seed) as stream:
            try:
                self._engine.restore(stream, path)
            except InputError as error:
                self._telling.notice(f"{error.message} {one.stretch.name} is shown again from its beginning.")
                return 0
            return stream.rounds if stream.rounds <= len(one.journal.rounds) else 0

    def _keep(self, running: Sequence[tuple[Feed, StreamState]]) -> None:
        """Write a snapshot of each stream from time to time. Without them, resuming only takes longer."""
        started = self._now_s()
        if started < self._due_s:
            return
        for feed, stream in running:
            one = self._open[feed.name]
            if not stream.rounds:
                continue
            path = self._place.rounds.snapshot(one.stretch)
            try:
                if shutil.disk_usage(path.parent).free < 2 * self._engine.saved_bytes(stream):
                    self._telling.notice(
                        f"There is no room for snapshots in {path.parent}: a killed run will repeat more work."
                    )
                    break
                self._engine.save(stream, path)
            except (OSError, OutputError) as error:
                self._telling.notice(error.message if isinstance(error, OutputError) else f"{path}: {error.strerror}.")
        ended = self._now_s()
        self._due_s = ended + max(SNAPSHOT_S, (ended - started) / SNAPSHOT_SHARE)

    def _note(self, said: SaidRound) -> None:
        outcome, length_s = self._outcome, said.end_s - said.start_s
        outcome.rounds += 1
        outcome.spoken += says_something(said.text)
        outcome.tokens += len(said.token_ids)
        outcome.video_s += length_s
        self._advance(length_s)

    def _advance(self, video_s: float) -> None:
        self._done_s += video_s
        took_s = self._now_s() - self._started
        self._telling.progress(self._done_s, self._outcome.video_s / took_s if took_s else 0.0)

    def _end(self, report: FeedReport) -> None:
        """Handle the end of a feed."""
        one = self._open[report.feed.name]
        stretch, error, end_s = one.stretch, report.error, one.reached_s
        if one.over_s is not None and not one.journal.rounds:
            end_s = min(one.over_s, stretch.start_s)
        for notice in one.frames.notices if one.frames else ():
            self._telling.notice(notice)
        if error is None and one.frames and one.frames.truncated and end_s < stretch.end_s - NEARLY_S:
            error = InputError(
                f"{stretch.path} ends too early.", "Fetch it again; then run the same command to continue."
            )
        if isinstance(error, CapacityError):
            self._telling.notice(f"{stretch.name} is silent from {end_s:g} s on: {error.message}")
            end_s, error = max(end_s, min(stretch.end_s, (one.frames and one.frames.duration_s) or stretch.end_s)), None
        try:
            if error is not None:
                raise error
            self._finish(one, end_s)
        except SvlmError as failure:
            self._fail(stretch, failure)

    def _finish(self, one: _UnderWay, end_s: float) -> None:
        """Mark it as done up to `end_s`, with all of it on disk, and delete its work in progress."""
        stretch, made_by = one.stretch, self._place.made_by
        if end_s > stretch.start_s and end_s >= stretch.end_s - NEARLY_S:
            one.prediction.finish(stretch.end_s)
        else:
            one.prediction.finish(end_s)
            if stretch.video not in made_by.ended:
                self._telling.notice(too_short(stretch.video, end_s))
            made_by.end(stretch.video, end_s)
        del self._open[stretch.key]
        one.close()
        self._advance(stretch.end_s - one.reached_s)
        self._place.rounds.discard(stretch)
        self._outcome.done += 1

    def _fail(self, stretch: VideoStretch, error: SvlmError) -> None:
        """Keep its rounds, for a run after the video is repaired."""
        one = self._open.pop(stretch.key, None)
        if one is not None:
            one.close()
            self._advance(stretch.end_s - one.reached_s)
            if not one.journal.rounds:
                self._place.rounds.discard(stretch)
        self._outcome.errors.append(error)
        self._telling.failure(error)


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
