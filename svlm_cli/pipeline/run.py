"""The loop: chunks -> engine -> outputs, for one video or many, files or endless streams.

Each iteration steps every stream that has a chunk ready, in one batch. A failing video does not affect the others. Does
not know where chunks come from or what outputs do with the words.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from svlm_cli.core.errors import CapacityError, SvlmError, UsageError
from svlm_cli.core.events import RoundEnded
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.outputs.output import Output, close_all
from svlm_cli.pipeline.asking import ask
from svlm_cli.pipeline.inbox import Inbox
from svlm_cli.pipeline.questions import Question, QuestionDesk, Reply
from svlm_cli.pipeline.totals import RoundTotals


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A feed that keeps running whether or not it is read."""

    now_s: Callable[[], float]  # the current time on its chunks' clock
    drops: bool = True  # if it lags, the oldest chunks are dropped; otherwise it is held back
    resets: bool = False  # its stream is reset at a gap


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One video to be captioned."""

    name: str
    chunks: Iterator[Chunk]  # may be endless
    close: Callable[[], None]  # ends `chunks`; called from any thread
    outputs: Callable[[], Sequence[Output]]  # called at the first words, so that a video that fails leaves no file
    query: str | None = None
    context: str = ""
    seed: int = 0
    endless: bool = False  # may be stopped at any time and still be complete
    live: Callable[[], Live | None] = lambda: None  # known only with the first chunk, once the source is open
    snapshot: Path | None = None  # stream state to restore (`Engine.save`)
    before: Callable[[StreamState, Chunk | None], None] = lambda stream, chunk: None  # None: before the end
    ahead: bool = True  # read chunks in a separate thread, not in the loop's
    replayed: Iterator[tuple[int, ...]] = field(default_factory=lambda: iter(()))  # token ids forced in first rounds

    @property
    def ends(self) -> bool:
        """Whether it has an end, so that stopping it cuts it off."""
        return not self.endless and self.live() is None

    def drops(self) -> bool:
        """Whether its oldest chunks are dropped when the model is too slow."""
        live = self.live()
        return live is not None and live.drops


@dataclass(slots=True, eq=False)
class FeedReport(RoundTotals):
    """How a feed is going, or has gone. `error` is what ended it early."""

    feed: Feed = field(kw_only=True)
    error: SvlmError | None = None


@dataclass(slots=True, eq=False)
class _Running:
    feed: Feed
    stream: StreamState
    report: FeedReport
    outputs: list[Output] = field(default_factory=list)

    def write(self, segment: Segment) -> None:
        if not self.outputs:
            self.outputs += self.feed.outputs()
        for output in self.outputs:
            output.write(segment)
        self.report.add(RoundEnded.of(segment, self.feed.name))

    def close(self, *, stopped: bool) -> None:
        """Close all outputs, even if some of them raise."""
        self.stream.close()
        complete = not (stopped and self.feed.ends)
        outputs, self.outputs = self.outputs, []
        error = close_all(outputs, complete=complete)
        self.report.error = self.report.error or error


def with_latency(segment: Segment, live: Live, policy: StreamPolicy) -> Segment:
    """Add the latency to a round, except a short one: it waited for a source that had gone."""
    step_s = 1 / policy.vision.fps
    if segment.end_s - segment.start_s < policy.chunk_seconds - step_s / 2:
        return segment
    return replace(segment, latency_s=max(0.0, live.now_s() - (segment.end_s - step_s)))


Listener = Callable[[Feed, Chunk | TokenEvent | Segment], None]
"""Called with what a round shows, each of its tokens, and its words."""
Ending = Callable[[FeedReport], None]
Between = Callable[[Sequence[tuple[Feed, StreamState]]], None]
"""Called between two rounds with the open streams."""


class _Run:
    """The state of one call of `run`."""

    def __init__(
        self,
        engine: Engine,
        feeds: Iterable[Feed | None],
        max_streams: int,
        listen: Listener,
        desk: QuestionDesk,
        stopped: Callable[[], bool],
    ) -> None:
        self.engine = engine
        self.waiting = iter(feeds)
        self.max_streams = max_streams
        self.listen = listen
        self.inbox: Inbox[int] = Inbox()
        self.running: dict[int, _Running] = {}  # by slot
        self.finished: deque[FeedReport] = deque()
        self.stopped = stopped
        self.desk = desk
        desk.wake = self.inbox.wake

    def fill(self) -> None:
        while len(self.running) < self.max_streams:
            feed = next(self.waiting, None)
            if feed is None:
                return
            try:
                stream = self.open(feed)
            except SvlmError as error:
                feed.close()
                self.finished.append(FeedReport(feed=feed, error=error))
                continue
            self.running[stream.slot] = _Running(feed, stream, FeedReport(feed=feed))
            self.inbox.add(stream.slot, feed.chunks, feed.close, drops=feed.drops, ahead=feed.ahead)

    def open(self, feed: Feed) -> StreamState:
        stream = self.engine.open(query=feed.query, context=feed.context, seed=feed.seed)
        if feed.snapshot is not None:
            try:
                self.engine.restore(stream, feed.snapshot)
            except BaseException:
                stream.close()
                raise
        return stream

    def take(self) -> list[Request]:
        """A request for each stream whose next chunk is ready."""
        requests: list[Request] = []
        for slot in self.inbox.wait():
            running = self.running[slot]
            try:
                chunk = self.inbox.take(slot)
                if self.stopped():  # stopping also ends the sources
                    return requests
                running.feed.before(running.stream, chunk)
            except SvlmError as error:
                self.finish(slot, error)
                continue
            if chunk is None:
                self.finish(slot)
            else:
                self.listen(running.feed, chunk)
                requests.append(self.request(running, chunk))
        return requests

    @staticmethod
    def request(running: _Running, chunk: Chunk) -> Request:
        live = running.feed.live()
        if live is not None and live.resets and chunk.gap_s > 0:
            running.stream.reset()
        return Request(running.stream, chunk, forced_ids=next(running.feed.replayed, None))

    def step(self, requests: list[Request]) -> Iterator[Segment]:
        while requests:
            try:
                for event in self.engine.step(requests):
                    segment = self.hand_on(event)
                    if segment is not None:
                        yield segment
                return
            except CapacityError as error:
                self.finish(error.stream, error)
                requests = [request for request in requests if request.stream.slot != error.stream]

    def answer(self) -> None:
        """Answer the questions asked meanwhile."""
        streams = {one.feed.name: one.stream for one in self.running.values()}

        def reply(name: str, question: Question) -> Reply:
            if name not in streams:
                raise UsageError(f"{name} has shown nothing yet.", "Ask once there are words.")
            return ask(self.engine, streams[name], question)

        self.desk.answer(reply)

    def hand_on(self, event: TokenEvent | Segment) -> Segment | None:
        """Pass an event on; return a round's segment once it is written."""
        running = self.running.get(event.stream)
        if running is None:
            return None  # its output failed earlier in this round
        live = running.feed.live()
        if isinstance(event, Segment) and live is not None:
            event = with_latency(event, live, self.engine.policy)
        self.listen(running.feed, event)
        if not isinstance(event, Segment):
            return None
        try:
            running.write(event)
        except SvlmError as error:
            self.finish(event.stream, error)
            return None
        return event

    def finish(self, slot: int, error: SvlmError | None = None, *, stopped: bool = False) -> None:
        running = self.running.pop(slot)
        running.report.error = error
        self.inbox.remove(slot)
        running.close(stopped=stopped)
        self.finished.append(running.report)

    def close(self, interrupted: Ending) -> None:
        """Stop all sources at once, then close all outputs."""
        self.inbox.remove(*self.running)
        while self.running:
            _, running = self.running.popitem()
            running.close(stopped=True)
            interrupted(running.report)


def run(
    engine: Engine,
    feeds: Iterable[Feed],
    *,
    max_streams: int = 1,
    listen: Listener = lambda feed, event: None,
    between: Between = lambda streams: None,
    interrupted: Ending = lambda report: None,
    desk: QuestionDesk | None = None,
) -> Generator[FeedReport, None, None]:
    """Caption all `feeds`; yields a report as each one ends. See `rounds`."""
    found = rounds(
        engine, feeds, max_streams=max_streams, listen=listen, between=between, interrupted=interrupted, desk=desk
    )
    with closing(found):
        for one in found:
            if isinstance(one, FeedReport):
                yield one


def rounds(
    engine: Engine,
    feeds: Iterable[Feed | None],
    *,
    max_streams: int = 1,
    listen: Listener = lambda feed, event: None,
    interrupted: Ending = lambda report: None,
    desk: QuestionDesk | None = None,
    between: Between = lambda streams: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Segment | FeedReport, None, None]:
    """Caption all `feeds`, `max_streams` at a time; yields the words of each round, and a report as each feed ends.

    A feed that is None means that none is ready yet: it is asked for again while others run.

    If interrupted (by an exception, or because the caller stops iterating), it closes every feed, then its outputs, as
    complete if the feed has no end, and passes each report to `interrupted`. Between two rounds, questions at the
    `desk` are answered and `between` is called. Once it is `stopped`, no new round begins.
    """
    state = _Run(engine, feeds, max_streams, listen, desk or QuestionDesk(), stopped)
    try:
        while True:
            state.fill()
            while state.finished:
                yield state.finished.popleft()
            if not state.running:
                return
            requests = state.take()
            if not requests and stopped():
                return
            yield from state.step(requests)
            state.answer()
            between([(one.feed, one.stream) for one in state.running.values()])
    finally:
        state.close(interrupted)
