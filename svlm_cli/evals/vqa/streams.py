"""Asks questions about streamed videos: one stream for all questions with the same video and start.

A stream sees the video up to the last question, and is asked each in passing, through a fork. Several run in one batch.
Knows neither benchmarks nor clips.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from svlm_cli.core.errors import CapacityError, InputError, OutputError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.asked import NEARLY_S, AskedQuestion, WayRun, too_short
from svlm_cli.evals.vqa.interview import never_said, stream_respondent
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.watching import Watching
from svlm_cli.pipeline.asking import Appointments
from svlm_cli.pipeline.run import Feed, FeedReport, run
from svlm_cli.questions.question import AnswerKind

_SEED_BYTES = 8


@dataclass(slots=True, eq=False)
class WatchedVideo:
    """A video from one start on, and its questions."""

    asked: list[AskedQuestion]
    left: dict[str, VideoQuestion] = field(init=False)  # unanswered questions by id
    watching: Watching = field(init=False)

    def __post_init__(self) -> None:
        self.left = {one.question.id: one.question for one in self.asked}
        self.watching = Watching(self.footage, self.last_s)

    @property
    def footage(self) -> Footage:
        """The video's location and start; each question has its own end."""
        return self.asked[0].footage

    @property
    def start_s(self) -> float:
        """Where watching starts."""
        return self.footage.start_s or 0.0

    @property
    def last_s(self) -> float:
        """Where watching ends."""
        return max(map(last_asked_s, self.asked))

    @property
    def name(self) -> str:
        """Unique within a run."""
        return f"{self.footage.path} {self.start_s:g} {self.context}"

    @property
    def context(self) -> str:
        """Prior knowledge, as context."""
        return self.asked[0].question.known

    def seed(self, base: int) -> int:
        """The seed of its random numbers, independent of other streams and of the videos' location."""
        return stream_seed(base, self.asked[0].question.video, self.footage)


def stream_seed(base: int, video: str, footage: Footage) -> int:
    """The seed of a stream of `footage`, called `video` in its benchmark."""
    text = f"{base}/{video}/{footage.path.name}/{footage.start_s or 0.0}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_SEED_BYTES])


def last_asked_s(asked: AskedQuestion) -> float:
    """When a question is last asked; at the end of the file if all of it may be seen."""
    if asked.question.kind is AnswerKind.PROACTIVE:
        return [*asked.question.moments()][-1]
    return math.inf if asked.footage.end_s is None else asked.footage.end_s


def watches(asked: Sequence[AskedQuestion]) -> list[WatchedVideo]:
    """The fewest streams that answer them, the longest first."""
    found: dict[tuple[str, float, str], list[AskedQuestion]] = defaultdict(list)
    for one in asked:
        found[str(one.footage.path), one.footage.start_s or 0.0, one.question.known].append(one)
    return sorted(map(WatchedVideo, found.values()), key=lambda one: one.last_s - one.start_s, reverse=True)


class StreamAsking:
    """A run over streams. Call `ask`."""

    def __init__(self, engine: Engine, way: WayRun) -> None:
        self._engine, self._way = engine, way

    def ask(self, watched: Sequence[WatchedVideo], *, streams: int) -> None:
        """Watch all, `streams` at a time, and answer. An error in one video does not affect the others.

        Raises `OutputError` if an answer cannot be written.
        """
        by_name = {one.name: one for one in watched}
        with closing(run(self._engine, map(self._feed, watched), max_streams=streams)) as reports:
            for report in reports:
                self._end(by_name[report.feed.name], report)

    def _feed(self, watch: WatchedVideo) -> Feed:
        watching = watch.watching
        return Feed(
            watch.name,
            watching.chunks(self._engine.policy),
            watching.close,
            tuple,
            context=watch.context,
            seed=watch.seed(self._way.setting.seed),
            before=Appointments(self._due(watch)).before,
        )

    def _due(self, watch: WatchedVideo) -> Iterator[tuple[float, Callable[[StreamState], None]]]:
        for one in watch.asked:
            question, last_s = one.question, last_asked_s(one)
            moments = question.moments() if question.kind is AnswerKind.PROACTIVE else (last_s,)
            for at_s in moments:
                yield at_s, self._asking(watch, question, at_s, last=at_s == last_s)

    def _asking(
        self, watch: WatchedVideo, question: VideoQuestion, at_s: float, *, last: bool
    ) -> Callable[[StreamState], None]:
        def act(stream: StreamState) -> None:
            if question.id not in watch.left:
                return  # already answered
            if watch.watching.unseen(at_s, stream.end_s):
                return  # it was not seen
            try:
                result = self._answer(stream, question, at_s, last=last)
            except (UsageError, CapacityError) as error:
                del watch.left[question.id]
                self._way.fail([question], error)
                return
            if result is not None:
                del watch.left[question.id]
                self._way.take(result)

        return act

    def _answer(self, stream: StreamState, question: VideoQuestion, at_s: float, *, last: bool) -> VqaResult | None:
        interview, way = self._way.interview, self._way.setting.way
        respond = stream_respondent(self._engine, stream)
        if question.kind is not AnswerKind.PROACTIVE:
            return interview.answer(self._engine, question, way, respond)
        result = interview.answer_at(question, way, at_s, respond)
        return never_said(question, way) if result is None and last else result

    def _end(self, watch: WatchedVideo, report: FeedReport) -> None:
        """Handle the end of a stream."""
        if isinstance(report.error, OutputError):
            raise report.error
        for notice in watch.watching.notices:
            self._way.notice(notice)
        left = [*watch.left.values()]
        if not left and math.isfinite(watch.last_s) and watch.start_s + report.video_s < watch.last_s - NEARLY_S:
            self._way.notice(too_short(watch.footage))
        if left:
            early = InputError(f"{plain_text(str(watch.footage.path))} ends too early.", "Fetch it again.")
            self._way.fail(left, report.error or early)
