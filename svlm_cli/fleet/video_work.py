"""Captioning videos in a worker: an item is a job. Knows neither the driver nor what carries the messages."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened
from svlm_cli.fleet.work import Items, WorkerSite
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.settings import SessionSettings

if TYPE_CHECKING:
    from svlm_cli.pipeline.open_source import OpenSource
    from svlm_cli.pipeline.session import Session


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
                    source, error = one.source, one.report.error
                    lease = self._leases.pop(source.job.name)
                    self._site.post(FileEnded(lease, error, tuple(source.notices), source.truncated))
            self._session = None

    def stop(self) -> None:
        """What is open is closed as it is."""
        self._stopped = True
        session = self._session
        if session is not None:
            session.stop()

    def opened(self, source: "OpenSource") -> None:
        """A file's rounds begin."""
        self._site.post(FileOpened(self._leases[source.job.name], source.duration_s))

    def failed(self, job: Job, error: SvlmError) -> None:
        """A file could not be opened."""
        self._site.post(FileEnded(self._leases.pop(job.name), error))

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:  # noqa: ARG002  they stay here
        """A round is over; nothing else travels."""
        if isinstance(event, RoundEnded):
            self._site.post(FileHeard(self._leases[event.name], event))

    def _jobs(self, items: Items) -> Iterator[Job | None]:
        folder = self._site.folder
        for item in items:
            if item is None:
                yield None
                continue
            lease, job = item
            self._leases[job.name] = lease
            yield job if folder is None else _placed(job, folder)


def _placed(job: Job, folder: Path) -> Job:
    """The same with absolute paths. Its name stays."""
    targets = tuple(one if one.path is None else replace(one, path=folder / one.path) for one in job.targets)
    return replace(job, source=SourceAddress(str(folder / job.source.reveal())), targets=targets)
