"""A worker that watches cameras: one model, and whichever cameras its supervisor names, as long as it hears from it.

It works in a thread of its own, so that it answers while it works. Another thread looks after leases that run out, and
ends the process where the model hangs: its cameras are watched elsewhere then. Knows neither the other workers nor what
carries the messages.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, RoundStarted, SourceEvent, SourceStatus
from svlm_cli.core.types import Picture
from svlm_cli.fleet.cameras.leases import CameraChange, LeaseHolder
from svlm_cli.fleet.cameras.messages import Beat, CameraEnded, CameraHeard, WorkerAnswer
from svlm_cli.fleet.cameras.meter import LoadMeter
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.questions import QuestionDesk

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.pipeline.open_source import OpenSource
    from svlm_cli.pipeline.session import Session

_LOOK_S: Final = 0.25
_ORPHAN_S: Final = 60.0  # without any beat, once the model is loaded
_STUCK_S: Final = 10.0  # a step that takes longer, and much longer than any before, does not end
_STUCK_TIMES: Final = 10
_STOP_S: Final = 10.0

Wanted = tuple[int, Job]
"""A lease and its camera."""


class CameraWorker(SessionObserver, Closing):
    """Loads its model at once. `cores` are for it alone; `give_up` ends its process."""

    def __init__(self, order: CameraOrder, *, cores: int, give_up: Callable[[], None] = lambda: os._exit(1)) -> None:
        self._order = order
        self._cores = cores
        self._give_up = give_up
        self._holder = LeaseHolder()
        self._meter = LoadMeter(time.monotonic())
        self._changed = Condition()  # of all that follows
        self._news = False
        self._streams = 0
        self._heard_s = time.monotonic()
        self._unfit: SvlmError | None = None
        self._error: BaseException | None = None
        self._leases: dict[str, int] = {}  # by the camera's name, of those that are open
        self._sources: dict[int, OpenSource] = {}  # by lease
        self._wanted: SimpleQueue[Wanted | None] = SimpleQueue()  # None: the worker ends
        self._desk = QuestionDesk()
        self._session: Session | None = None
        self._closing = Event()
        self._threads = [
            Thread(target=self._run, name="svlm-worker", daemon=True),
            Thread(target=self._look_after, name="svlm-leases", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def beat(self, beat: Beat, patience_s: float) -> WorkerAnswer:
        """Do what a beat says; answers when there is something to tell, or after so long.

        Raises what ended the work.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            self._heard_s = time.monotonic()
            self._follow(self._holder.obey(beat, self._heard_s))
            self._changed.wait_for(lambda: self._news, patience_s)
            self._news = False
            now_s = time.monotonic()
            load = self._meter.load(now_s) if self._streams else None
            return self._holder.answer(now_s, streams=self._streams, load=load, unfit=self._unfit)

    def close(self) -> None:
        """Stop watching."""
        self._closing.set()
        self._wanted.put(None)
        with self._changed:
            session = self._session
        if session is not None:
            session.stop()
            self._desk.wake()
        for thread in self._threads:
            thread.join(_STOP_S)

    def opened(self, source: "OpenSource") -> None:
        """A camera's rounds begin, unless its lease has ended meanwhile."""
        with self._changed:
            lease = self._leases[source.job.name]
            self._sources[lease] = source
            if self._holder.is_closing(lease):
                source.frames.stop()

    def failed(self, job: Job, error: SvlmError) -> None:
        """A camera could not be opened."""
        with self._changed:
            self._end(self._leases.pop(job.name), error)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:  # noqa: ARG002  they stay here
        """A round begins or is over, or a camera's state has changed; nothing else travels."""
        now_s = time.monotonic()
        with self._changed:
            if isinstance(event, RoundStarted):
                self._meter.begin(now_s)
            elif isinstance(event, (RoundEnded, SourceStatus)):
                if isinstance(event, RoundEnded):
                    self._meter.end(now_s)
                lease = self._leases.get(event.name)
                if lease is not None and not self._holder.is_closing(lease):
                    self._holder.post(CameraHeard(lease, event))
                    self._tell()

    def _follow(self, change: CameraChange) -> None:
        """Open and close cameras."""
        for wanted in change.open:
            self._wanted.put(wanted)
        for lease in change.close:
            source = self._sources.get(lease)
            if source is not None:
                source.frames.stop()
        if change.open or change.close:
            self._desk.wake()

    def _end(self, lease: int, error: SvlmError | None = None, notices: Sequence[str] = ()) -> None:
        """A camera is closed: by itself, or because its lease has ended."""
        self._sources.pop(lease, None)
        if self._holder.is_closing(lease):
            self._holder.closed(lease)
        else:
            self._holder.post(CameraEnded(lease, error, tuple(notices)))
        self._tell()

    def _tell(self) -> None:
        self._news = True
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever sends beats
            with self._changed:
                self._error = error
                self._tell()

    def _work(self) -> None:
        from svlm_cli.fleet.loading import load_engine

        try:
            engine = load_engine(self._order, cores=self._cores)
        except SvlmError as error:
            with self._changed:
                self._unfit = error
                self._tell()
            return
        with self._changed:
            self._streams, self._heard_s = engine.max_streams, time.monotonic()
            self._tell()
        while not self._closing.is_set():
            first = self._wanted.get()
            if first is None:
                return
            self._watch(engine, self._jobs(first))

    def _watch(self, engine: "Engine", jobs: Iterator[Job | None]) -> None:
        """Watch these until there is none for a moment."""
        from svlm_cli.pipeline.session import Session

        with Session(jobs, self._order.settings, self._order.policy, observer=self) as session:
            with self._changed:
                self._session = session
            if self._closing.is_set():
                session.stop()
            with closing(session.run(engine, max_streams=engine.max_streams, desk=self._desk)) as outcomes:
                for one in outcomes:
                    with self._changed:
                        lease = self._leases.pop(one.source.job.name)
                        self._end(lease, one.report.error, one.source.notices)
            with self._changed:
                self._session = None

    def _jobs(self, first: Wanted) -> Iterator[Job | None]:
        """The cameras in hand, then those that come; None while there is none."""
        wanted: Wanted | None = first
        while wanted is not None:
            lease, job = wanted
            with self._changed:
                closed = self._holder.is_closing(lease)
                if closed:
                    self._end(lease)
                else:
                    self._leases[job.name] = lease
            if not closed:
                yield job
            while True:
                try:
                    wanted = self._wanted.get_nowait()
                    break
                except Empty:
                    yield None
        self._closing.set()

    def _look_after(self) -> None:
        """Close cameras whose leases have run out; end the process where nobody needs it, or where it hangs."""
        while not self._closing.wait(_LOOK_S):
            now_s = time.monotonic()
            with self._changed:
                self._follow(self._holder.expire(now_s))
                stuck = self._stuck(now_s)
                orphaned = bool(self._streams) and now_s - self._heard_s > _ORPHAN_S
            if stuck or orphaned:
                self._give_up()
                return

    def _stuck(self, now_s: float) -> bool:
        """Whether a step does not end. The first one may compile, and is not judged."""
        longest_s = self._meter.longest_s
        return longest_s > 0 and self._meter.running_s(now_s) > max(_STUCK_S, _STUCK_TIMES * longest_s)
