"""A worker of a fleet: one model, and files that come one by one, as many at once as it has streams.

Whoever drives it hands it files and asks for its messages. It works in a thread of its own, so that it answers while it
works. Knows neither the other workers nor what carries the messages.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, Message, WorkerOrder, WorkerReady, WorkerUnfit
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.observer import SessionObserver

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.pipeline.open_source import OpenSource
    from svlm_cli.pipeline.session import Session

_STOP_S: Final = 10.0
_MESSAGES: Final = 200  # at once: small enough to travel in the answer itself, which is not lost with the host's store


class FleetWorker(SessionObserver, Closing):
    """Loads its model at once. `cores` are for it alone; `place` is the disk that it shares with others."""

    def __init__(self, order: WorkerOrder, *, cores: int, place: str = "") -> None:
        self._order = order
        self._cores = cores
        self._place = place
        self._mail: deque[Message] = deque()
        self._changed = Condition()
        self._error: BaseException | None = None
        self._wanted: SimpleQueue[tuple[int, Job] | None] = SimpleQueue()  # None: no more come
        self._leases: dict[str, int] = {}  # by the name of the job
        self._session: Session | None = None
        self._stopped = False
        self._thread = Thread(target=self._run, name="svlm-worker", daemon=True)
        self._thread.start()

    def take(self, lease: int, job: Job) -> None:
        """One more file. Returns at once."""
        self._wanted.put((lease, job))

    def messages(self, patience_s: float) -> list[Message]:
        """What has happened since the last call; waits so long for something. Raises what ended the work."""
        with self._changed:
            self._changed.wait_for(lambda: self._mail or self._error is not None, patience_s)
            found = [self._mail.popleft() for _ in range(min(len(self._mail), _MESSAGES))]
            if not found and self._error is not None:
                raise self._error
            return found

    def close(self) -> None:
        """Stop: what is open is closed as it is."""
        self._stopped = True
        self._wanted.put(None)
        session = self._session
        if session is not None:
            session.stop()
        self._thread.join(_STOP_S)

    def opened(self, source: "OpenSource") -> None:
        """A file's rounds begin."""
        self._post(FileOpened(self._leases[source.job.name], source.duration_s))

    def failed(self, job: Job, error: SvlmError) -> None:
        """A file could not be opened."""
        self._post(FileEnded(self._leases.pop(job.name), error))

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:  # noqa: ARG002  they stay here
        """A round is over; nothing else travels."""
        if isinstance(event, RoundEnded):
            self._post(FileHeard(self._leases[event.name], event))

    def _post(self, message: Message) -> None:
        with self._changed:
            self._mail.append(message)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for messages
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _work(self) -> None:
        from svlm_cli.fleet.loading import load_engine

        here = self._enter(self._order.folder)
        try:
            engine = load_engine(self._order, cores=self._cores)
        except SvlmError as error:
            self._post(WorkerUnfit(error))
            return
        self._post(WorkerReady(engine.max_streams, self._place))
        while not self._stopped:
            first = self._wanted.get()
            if first is None:
                return
            self._caption(engine, self._jobs(first, here=here))

    def _caption(self, engine: "Engine", jobs: Iterator[Job | None]) -> None:
        """Caption these until there is none for a moment."""
        from svlm_cli.pipeline.session import Session

        with Session(jobs, self._order.settings, self._order.policy, observer=self) as session:
            self._session = session
            if self._stopped:
                session.stop()
            with closing(session.run(engine, max_streams=engine.max_streams)) as outcomes:
                for one in outcomes:
                    source, error = one.source, one.report.error
                    lease = self._leases.pop(source.job.name)
                    self._post(FileEnded(lease, error, tuple(source.notices), source.truncated))
            self._session = None

    def _jobs(self, first: tuple[int, Job], *, here: bool) -> Iterator[Job | None]:
        """The files in hand, then those that come; None when there is none at the moment."""
        wanted: tuple[int, Job] | None = first
        while wanted is not None:
            lease, job = wanted
            self._leases[job.name] = lease
            yield job if here else _placed(job, self._order.folder)
            while True:
                try:
                    wanted = self._wanted.get_nowait()
                    break
                except Empty:
                    yield None
        self._stopped = True

    @staticmethod
    def _enter(folder: Path) -> bool:
        """Be where the driver is, so that names mean the same and errors quote them alike. Whether that can be."""
        try:
            os.chdir(folder)
        except OSError:
            return False
        return True


def _placed(job: Job, folder: Path) -> Job:
    """The same with absolute paths. Its name stays."""
    targets = tuple(one if one.path is None else replace(one, path=folder / one.path) for one in job.targets)
    return replace(job, source=SourceAddress(str(folder / job.source.reveal())), targets=targets)
