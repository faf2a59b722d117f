"""The driver of a call that captions: hands videos to workers, and hears what becomes of them.

To whoever runs it, it looks like a session: outcomes as files end, an observer meanwhile. Knows neither Ray nor a
model.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from svlm_cli.core.errors import InputError, OutputBusyError, OutputError, OutputExistsError, SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.text import says_something
from svlm_cli.core.types import Picture
from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.dispatch import DispatchedItem, Dispatcher
from svlm_cli.fleet.manifest import FileRecord, Manifest, key_of
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, ItemMessage
from svlm_cli.fleet.placement import Lease
from svlm_cli.fleet.stored import remove_parts, remove_unfinished, still_missing
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.settings import SessionSettings

_BUSY_S: Final = 2.0  # until a dead worker's hold on a file is gone
_BUSY_TRIES: Final = 30


@dataclass(slots=True)
class RemoteReport:
    """How a file goes, as far as its messages say."""

    rounds: int = 0
    spoken: int = 0  # rounds with words
    video_s: float = 0.0
    error: SvlmError | None = None

    def add(self, ended: RoundEnded) -> None:
        """One more round."""
        self.rounds += 1
        self.spoken += says_something(ended.text)
        self.video_s += ended.end_s - ended.start_s


@dataclass(slots=True, eq=False)
class RemoteFile:
    """A file that a worker has open."""

    job: Job
    duration_s: float | None = None
    notices: Sequence[str] = ()
    truncated: bool = False
    report: RemoteReport = field(default_factory=RemoteReport)
    ends: bool = True  # it is cut off if it is stopped


@dataclass(frozen=True, slots=True, eq=False)
class FleetOutcome:
    """How a file went that had been opened."""

    source: RemoteFile
    report: RemoteReport


class FleetObserver(Protocol):
    """Is notified of the progress."""

    def begun(self, source: RemoteFile) -> None:
        """A file's rounds begin; again, if it is tried again."""
        ...

    def failed(self, job: Job, error: SvlmError) -> None:
        """A file could not be opened, or was put aside."""
        ...

    def withdrawn(self, source: RemoteFile) -> None:
        """A file that had begun is not in anybody's hands any more, and will be tried again."""
        ...

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        """Something happened to a file."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...


class FleetSession(Dispatcher):
    """The `jobs` of a call on their way through a `crew`. `records`: what earlier runs say of them."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: SessionSettings,
        crew: Crew,
        manifest: Manifest,
        observer: FleetObserver,
        *,
        records: Mapping[str, FileRecord],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(list(map(_item_of, jobs)), crew, manifest, records=records, now_s=now_s)
        self.unfinished: dict[int, RemoteFile] = {}  # by lease: what is open, and what was stopped before its end
        self._jobs = tuple(jobs)
        self._settings = settings
        self._observer = observer
        begun = {index for index, one in enumerate(self._items) if one.key.name in records}
        self._begun = begun  # by workers of earlier runs
        self._taken = set(begun)  # by any worker
        self._busy: dict[int, int] = {}  # how often another had it, by index
        self._outcomes: deque[FleetOutcome] = deque()
        self._all_done = True

    def run(
        self, *, interrupted: Callable[[FleetOutcome], None] = lambda outcome: None
    ) -> Generator[FleetOutcome, None, None]:
        """Caption all; yields the outcome of each file as it ends, unless it could not be opened.

        Raises what no worker could start for.
        """
        try:
            for _ in self._steps():
                while self._outcomes:
                    yield self._outcomes.popleft()
            remove_parts(self._jobs)
            self._manifest.end(all_done=self._all_done)
        finally:
            for file in self.unfinished.values():
                interrupted(FleetOutcome(file, file.report))

    def _say(self, line: str) -> None:
        self._observer.say(line)

    def _hand(self, lease: Lease) -> Job:
        job = self._jobs[lease.item]
        if lease.item in self._taken and not self._settings.overwrite:
            job = _still_missing(job)  # what a worker finished before it died is whole
        self._taken.add(lease.item)
        return job

    def _follow(self, lease: Lease, message: ItemMessage) -> None:
        match message:
            case FileOpened():
                file = self.unfinished[lease.number] = RemoteFile(self._jobs[lease.item], message.duration_s)
                self._observer.begun(file)
            case FileHeard():
                self.unfinished[lease.number].report.add(message.event)
                self._observer.hear(message.event, ())
            case FileEnded():
                self._end(lease, message)
            case _:
                raise AssertionError(f"{type(message).__name__} is about no video")

    def _end(self, lease: Lease, message: FileEnded) -> None:
        """A file has ended by itself."""
        job, error = self._jobs[lease.item], message.error
        file = self.unfinished.pop(lease.number, None)
        if isinstance(error, OutputExistsError) and self._made_before(lease, job):
            error, file = None, file or RemoteFile(job)
        aside = error is not None and self._retries(lease, error, file)
        if error is None:
            self._done(lease)
        elif aside and self._again_later(lease, error, file):
            return
        else:
            left = self._settings.skip_existing and isinstance(error, (OutputBusyError, OutputExistsError))
            self._all_done = self._all_done and left  # to another run, which is no failure
            self._failed(lease, error, aside=aside)
        if file is None:
            assert error is not None, "what was not opened has failed"
            self._observer.failed(job, error)
        else:
            file.notices, file.truncated, file.report.error = message.notices, message.truncated, error
            self._outcomes.append(FleetOutcome(file, file.report))

    def _had_before(self, lease: Lease) -> bool:
        """Whether another worker has had it, in this run or in one that was killed."""
        return self._tries.get(lease.item, 0) > 0 or lease.item in self._begun

    def _made_before(self, lease: Lease, job: Job) -> bool:
        """Whether a worker that was taken for dead has finished it after all."""
        return self._had_before(lease) and not self._settings.overwrite and not _still_missing(job).targets

    def _retries(self, lease: Lease, error: SvlmError, file: RemoteFile | None) -> bool:
        """Whether another try may end otherwise: on another disk, where another host can be reached."""
        match error:
            case OutputBusyError():  # a worker that is dead, or soon will be, may have it still
                return self._had_before(lease) and self._busy.get(lease.item, 0) < _BUSY_TRIES
            case OutputExistsError():
                return False
            case OutputError():
                return True
            case InputError():  # with words its files are complete, as far as they go
                return file is None or not file.report.rounds
        return False

    def _again_later(self, lease: Lease, error: SvlmError, file: RemoteFile | None) -> bool:
        """Try once more. False if it has failed too often."""
        busy = isinstance(error, OutputBusyError)
        if busy:
            self._busy[lease.item] = self._busy.get(lease.item, 0) + 1
        if not self._again(lease, error, delay_s=_BUSY_S if busy else 0.0, counts=not busy):
            return False
        if file is not None:
            self._observer.withdrawn(file)
            if not self._settings.overwrite:
                remove_unfinished(file.job)
        return True

    def _withdraw(self, lease: Lease) -> bool:
        job, file = self._jobs[lease.item], self.unfinished.pop(lease.number, None)
        if not self._settings.overwrite and not _still_missing(job).targets:
            file = file or RemoteFile(job)
            self._outcomes.append(FleetOutcome(file, file.report))
            return True
        if file is not None:
            self._observer.withdrawn(file)
        return False

    def _give_up(self, index: int, error: SvlmError) -> None:
        self._all_done = False
        self._observer.failed(self._jobs[index], error)


def _still_missing(job: Job) -> Job:
    """Everything, where a store does not say what is there: whoever puts it there will see."""
    try:
        return still_missing(job)
    except InputError:
        return job


def _item_of(job: Job) -> DispatchedItem:
    """How long it will take, its size tells as far as it can: to open each file for its length would take longer."""
    key = key_of(job)
    return DispatchedItem(job.name, float(key.size), key)
