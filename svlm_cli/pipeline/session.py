"""A session for files, cameras and frames from a program: opens jobs, runs them on an engine, reports, closes.

Does not know options, or how progress is shown.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.events import SourceStatus, State, event_of
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Frame, Segment, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.pipeline.asking import ask
from svlm_cli.pipeline.batch import Job, refuse_done, still_missing
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.open_source import OpenSource, open_job
from svlm_cli.pipeline.products import Product
from svlm_cli.pipeline.questions import Question, QuestionDesk, Reply
from svlm_cli.pipeline.run import Feed, FeedReport, Live, rounds
from svlm_cli.pipeline.settings import SessionSettings


@dataclass(frozen=True, slots=True, eq=False)
class JobOutcome:
    """The outcome of a job whose source was opened."""

    source: OpenSource
    report: FeedReport


class Session(Closing):
    """Jobs running on one engine. A context manager: on leaving, everything open is closed.

    `jobs` may be an iterator that waits for others to hand it more: None is "none at the moment", and it is asked again
    after the next round. `given` are frames that replace the source of a single job.
    """

    def __init__(
        self,
        jobs: Iterable[Job | None],
        settings: SessionSettings,
        policy: StreamPolicy,
        *,
        observer: SessionObserver | None = None,
        products: Sequence[Product] = (),
        given: Iterable[Frame] | None = None,
    ) -> None:
        self.products = tuple(products)  # to be made from a single job, unless they exist
        self.unfinished: dict[Feed, OpenSource] = {}  # sources that are open, or were stopped early
        self._jobs = jobs
        self._settings = settings
        self._policy = policy
        self._observer = observer or SessionObserver()
        self._given = given
        self._opening = self._feeds()
        self._first: Feed | None = None
        self._engine: Engine | None = None
        self._streams: dict[str, StreamState] = {}  # by name
        self._running: Generator[Segment | FeedReport, None, None] | None = None
        self._stopped = False

    def begin(self) -> bool:
        """Open the first job that can be opened, so that no engine is loaded in vain. Returns whether there is one."""
        if self._first is None:
            self._first = next(self._opening, None)
        return self._first is not None

    def run(
        self,
        engine: Engine,
        *,
        max_streams: int = 1,
        interrupted: Callable[[JobOutcome], None] = lambda outcome: None,
        desk: QuestionDesk | None = None,
    ) -> Generator[JobOutcome, None, None]:
        """Caption all jobs, `max_streams` at a time; yields the outcome of each as it ends. See `run.rounds`."""
        with closing(self.rounds(engine, max_streams=max_streams, interrupted=interrupted, desk=desk)) as found:
            for one in found:
                if isinstance(one, JobOutcome):
                    yield one

    def rounds(
        self,
        engine: Engine,
        *,
        max_streams: int = 1,
        interrupted: Callable[[JobOutcome], None] = lambda outcome: None,
        desk: QuestionDesk | None = None,
    ) -> Generator[Segment | JobOutcome, None, None]:
        """As `run`, and also yields each segment."""
        first, self._first, self._engine = self._first, None, engine
        self._running = rounds(
            engine,
            self._opening if first is None else chain([first], self._opening),
            max_streams=max_streams,
            listen=self._listen,
            interrupted=lambda report: interrupted(JobOutcome(self.unfinished[report.feed], report)),
            desk=desk,
            stopped=lambda: self._stopped,
        )
        with closing(self._running):
            for one in self._running:
                if isinstance(one, FeedReport):
                    self._streams.pop(one.feed.name, None)
                    yield JobOutcome(self.unfinished.pop(one.feed), one)
                else:
                    yield one

    def ask(self, name: str, question: Question) -> Reply:
        """Ask the stream called `name`, between two segments. `UsageError` if it has shown nothing yet."""
        if self._engine is None or name not in self._streams:
            raise UsageError("There is nothing to ask about.", "Ask after the first segment, and before the end.")
        return ask(self._engine, self._streams[name], question)

    def stop(self) -> None:
        """Begin no further round, and end the sources. Returns at once; may be called from any thread."""
        self._stopped = True
        for one in list(self.unfinished.values()):
            one.frames.stop()

    def close(self) -> None:
        """Close everything that is open, including a source that no round has taken yet."""
        first, self._first = self._first, None
        if first is not None:
            first.close()
        self._opening.close()
        self._streams.clear()
        if self._running is not None:
            self._running.close()

    def _feeds(self) -> Generator[Feed | None, None, None]:
        """Yields a feed for each job that can be opened, opening it on demand."""
        for job in self._jobs:
            if job is None:
                yield None
                continue
            try:
                source = self._open(job)
            except SvlmError as error:
                self._observer.failed(job, error)
                continue
            yield source.feed

    def _open(self, job: Job) -> OpenSource:
        settings = self._settings
        if settings.skip_existing:  # other runs may have written some of it since
            self.products = tuple(product for product in self.products if not product.path.is_file())
            job = still_missing(job)
            refuse_done(job, len(self.products))
        source = open_job(
            job,
            settings,
            self._policy,
            products=self.products,
            given=self._given,
            hear=lambda status: self._observer.hear(status, ()),
            tell=partial(self._observer.trouble, job.name),
        )
        feed = source.feed
        source = replace(source, feed=replace(feed, before=partial(self._note_stream, job.name, feed.live)))
        try:
            self._observer.opened(source)
        except BaseException:
            source.feed.close()
            raise
        self.unfinished[source.feed] = source
        if self._stopped:
            source.frames.stop()
        return source

    def _note_stream(
        self, name: str, live: Callable[[], Live | None], stream: StreamState, chunk: Chunk | None
    ) -> None:
        if chunk is not None and name not in self._streams:
            self._streams[name] = stream
            if live() is None:
                self._observer.hear(SourceStatus(name, State.READING), ())

    def _listen(self, feed: Feed, happening: Chunk | TokenEvent | Segment) -> None:
        pictures = happening.frames if isinstance(happening, Chunk) else ()
        self._observer.hear(event_of(happening, feed.name), pictures)
