"""Captioning videos in a worker: an item is a job. Knows neither the driver nor what carries the messages."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened
from svlm_cli.fleet.stored import StoredJob
from svlm_cli.fleet.transfers import LocalCopy, Transfers
from svlm_cli.fleet.work import Items, WorkerSite
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.settings import SessionSettings

if TYPE_CHECKING:
    from svlm_cli.pipeline.open_source import OpenSource
    from svlm_cli.pipeline.session import Session

_POLL_S: Final = 0.2  # while nothing is captioned, for more to fetch


@dataclass(frozen=True, slots=True)
class VideoWork:
    """How videos are captioned."""

    settings: SessionSettings

    def begin(self, site: WorkerSite) -> "VideoRun":
        """Begin in a worker."""
        return VideoRun(self.settings, site)


class VideoRun(SessionObserver):
    """Sessions in a worker, one after the other, and what is told of them."""

    def __init__(self, settings: SessionSettings, site: WorkerSite) -> None:
        self._settings = settings
        self._site = site
        self._leases: dict[str, int] = {}  # by the name of the job
        self._session: Session | None = None
        self._stopped = False
        self._transfers: Transfers | None = None  # from the first job on of which something is in a store
        self._fetching: dict[Future[LocalCopy], int] = {}  # leases
        self._copies: dict[str, LocalCopy] = {}  # by the name of the job
        self._here: set[str] = set()  # names of jobs that the session has

    def run(self, items: Items) -> None:
        """Caption these."""
        from svlm_cli.pipeline.session import Session

        engine = self._site.engine
        with Session(self._jobs(items), self._settings, engine.policy, observer=self) as session:
            self._session = session
            if self._stopped:
                session.stop()
            with closing(session.run(engine, max_streams=engine.max_streams)) as outcomes:
                for one in outcomes:
                    source = one.source
                    self._end(source.job.name, one.report.error, tuple(source.notices), truncated=source.truncated)
            self._session = None

    def stop(self) -> None:
        """What is open is closed as it is."""
        self._stopped = True
        session = self._session
        if session is not None:
            session.stop()

    def close(self) -> None:
        """What has been captioned is put into its store."""
        if self._transfers is not None:
            self._transfers.close()

    def opened(self, source: "OpenSource") -> None:
        """A file's rounds begin."""
        self._site.post(FileOpened(self._leases[source.job.name], source.duration_s))

    def failed(self, job: Job, error: SvlmError) -> None:
        """A file could not be opened."""
        self._end(job.name, error)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:  # noqa: ARG002  they stay here
        """A round is over; nothing else travels."""
        if isinstance(event, RoundEnded):
            self._site.post(FileHeard(self._leases[event.name], event))

    def _jobs(self, items: Items) -> Iterator[Job | None]:
        """The jobs, as they are on this host. What is in a store is fetched while others are captioned."""
        for item in items:
            if item is not None and not isinstance(item[1], StoredJob):
                yield self._begin(*item)
                continue
            if item is not None:
                lease, asked = item
                self._fetching[self._transferring().fetch(asked)] = lease
                continue  # there may be more to fetch
            done = wait(self._fetching, timeout=0 if self._here else _POLL_S).done if self._fetching else ()
            for fetched in done:
                job = self._fetched(fetched)
                if job is not None:
                    yield job
            if self._here or not self._fetching or self._stopped:
                yield None

    def _begin(self, lease: int, job: Job) -> Job:
        self._leases[job.name] = lease
        self._here.add(job.name)
        folder = self._site.folder
        return job if folder is None else _placed(job, folder)

    def _fetched(self, fetched: "Future[LocalCopy]") -> Job | None:
        """The job of a copy; None if it could not be fetched."""
        lease = self._fetching.pop(fetched)
        try:
            copy = fetched.result()
        except SvlmError as error:
            self._site.post(FileEnded(lease, error))
            return None
        self._copies[copy.job.name] = copy
        return self._begin(lease, copy.job)

    def _end(
        self, name: str, error: SvlmError | None, notices: tuple[str, ...] = (), *, truncated: bool = False
    ) -> None:
        """A job has ended; one with outputs in a store, when they are there."""
        lease, copy = self._leases.pop(name), self._copies.pop(name, None)
        self._here.discard(name)
        if copy is None:
            self._site.post(FileEnded(lease, error, notices, truncated))
            return
        told = tuple(map(copy.told, notices))

        def tell(stored: "Future[SvlmError | None]") -> None:
            if stored.cancelled():
                return
            trouble = stored.exception()
            ended = stored.result() if trouble is None else SvlmError(f"{name} cannot be stored: {trouble}.")
            self._site.post(FileEnded(lease, ended, told, truncated))

        self._transferring().store(copy, error).add_done_callback(tell)

    def _transferring(self) -> Transfers:
        if self._transfers is None:
            self._transfers = Transfers(self._site.engine.max_streams, overwrite=self._settings.overwrite)
        return self._transfers


def _placed(job: Job, folder: Path) -> Job:
    """The same with absolute paths. Its name stays."""
    targets = tuple(one if one.path is None else replace(one, path=folder / one.path) for one in job.targets)
    return replace(job, source=SourceAddress(str(folder / job.source.reveal())), targets=targets)
