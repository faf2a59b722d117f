"""The driver: hands files to workers, hears of them, tries again what fails, and remembers all of it in the manifest.

To whoever runs it, it looks like a session: outcomes as files end, an observer meanwhile. Knows neither Ray nor a
model.
"""

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from svlm_cli.core.errors import InputError, OutputBusyError, OutputError, OutputExistsError, SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.text import says_something
from svlm_cli.core.types import Picture
from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.manifest import FileRecord, FileState, Manifest, key_of
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, Message, WorkerLost, WorkerReady, WorkerUnfit
from svlm_cli.fleet.placement import FleetPlacement, Lease
from svlm_cli.pipeline.batch import Job, still_missing
from svlm_cli.pipeline.settings import SessionSettings

_WAIT_S: Final = 0.5
_SILENCE_S: Final = 60.0  # of a worker that nobody has declared dead
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


class FleetSession:
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
        self.unfinished: dict[int, RemoteFile] = {}  # by lease: what is open, and what was stopped before its end
        self._jobs = list(jobs)
        self._settings = settings
        self._crew = crew
        self._manifest = manifest
        self._observer = observer
        self._records = records
        self._now_s = now_s
        self._placement = FleetPlacement([_weight(job) for job in jobs])
        self._manned_s = now_s()  # when a worker was there last, or that none is was said
        self._begun = set(records)  # keys of what workers have had, in this run or before
        self._tries: dict[int, int] = {}  # that failed, by index
        self._busy: dict[int, int] = {}  # how often another had it, by index
        self._all_done = True
        self._last_loss = ""
        self._unfit: SvlmError | None = None

    def run(
        self, *, interrupted: Callable[[FleetOutcome], None] = lambda outcome: None
    ) -> Generator[FleetOutcome, None, None]:
        """Caption all; yields the outcome of each file as it ends, unless it could not be opened.

        Raises what no worker could start for.
        """
        self._set_aside()
        try:
            while not self._placement.settled:
                for worker, message in self._crew.wait(_WAIT_S):
                    yield from self._handle(worker, message)
                yield from self._watch()
                self._hand_out()
            self._manifest.end(all_done=self._all_done)
        finally:
            for file in self.unfinished.values():
                interrupted(FleetOutcome(file, file.report))

    def _set_aside(self) -> None:
        """What killed its workers in a run that was itself killed must not do that again."""
        for index, job in enumerate(self._jobs):
            record = self._records.get(key_of(job))
            if record is not None and record.state is FileState.ASIDE:
                self._placement.drop([index])
                self._all_done = False
                self._observer.failed(
                    job, SvlmError(f"{job.name} failed {record.tries} times, and is left out.", record.reason)
                )

    def _watch(self) -> Generator[FleetOutcome, None, None]:
        """Who has answered, and who has not for too long: its files go to others, whether it can be ended or not."""
        now_s = self._now_s()
        for worker in self._crew.heard():
            self._placement.renew(worker, now_s)
        for worker in self._placement.silent(now_s, _SILENCE_S):
            self._crew.dismiss(worker)
            yield from self._lose(worker, WorkerLost(f"it has not answered for {_SILENCE_S:.0f} s"))
        if not self._crew.expected:
            raise self._unfit or SvlmError("No worker of the fleet is left.", self._last_loss)
        self._placement.expect(self._crew.expected)
        if self._placement.workers:
            self._manned_s = now_s
        elif now_s - self._manned_s > _SILENCE_S:
            self._manned_s = now_s
            self._observer.say("svlm: no worker of the fleet is ready; still waiting for one.")

    def _hand_out(self) -> None:
        for lease in self._placement.assign(self._now_s()):
            job = self._jobs[lease.item]
            if key_of(job) in self._begun and not self._settings.overwrite:
                job = still_missing(job)  # what a worker finished before it died is whole
            self._begun.add(key_of(job))
            self._manifest.taken(job, lease.worker)
            self._crew.give(lease.worker, lease.number, job)

    def _handle(self, worker: str, message: Message) -> Generator[FleetOutcome, None, None]:
        match message:
            case WorkerReady():
                self._placement.join(worker, message.streams, self._now_s(), place=message.place)
            case WorkerUnfit():
                self._unfit = message.error
                if not self._crew.expected:
                    raise message.error
                self._observer.say(f"svlm: a worker cannot start: {message.error}")
            case WorkerLost():
                self._last_loss = f"The last one ended: {message.reason}."
                yield from self._lose(worker, message)
            case FileOpened() | FileHeard() | FileEnded():
                lease = self._placement.lease(message.lease)
                if lease is not None:  # else it is a message of one that was taken for dead
                    yield from self._follow(lease, message)

    def _follow(self, lease: Lease, message: FileOpened | FileHeard | FileEnded) -> Generator[FleetOutcome, None, None]:
        match message:
            case FileOpened():
                file = self.unfinished[lease.number] = RemoteFile(self._jobs[lease.item], message.duration_s)
                self._observer.begun(file)
            case FileHeard():
                self.unfinished[lease.number].report.add(message.event)
                self._observer.hear(message.event, ())
            case FileEnded():
                yield from self._end(lease, message)

    def _end(self, lease: Lease, message: FileEnded) -> Generator[FleetOutcome, None, None]:
        """A file has ended by itself."""
        job, error = self._jobs[lease.item], message.error
        file = self.unfinished.pop(lease.number, None)
        if isinstance(error, OutputExistsError) and self._made_before(lease, job):
            error, file = None, file or RemoteFile(job)
        aside = error is not None and self._retries(lease, job, error, file)
        if error is None:
            self._placement.finish(lease.number)
            self._manifest.done(job)
        elif aside and self._again(lease, job, error, file):
            return
        else:
            left = self._settings.skip_existing and isinstance(error, (OutputBusyError, OutputExistsError))
            self._all_done = self._all_done and left  # to another run, which is no failure
            if not aside:
                self._placement.finish(lease.number)
            self._manifest.failed(job, self._tries.get(lease.item, 1), str(error), aside=aside)
        if file is None:
            assert error is not None, "what was not opened has failed"
            self._observer.failed(job, error)
        else:
            file.notices, file.truncated, file.report.error = message.notices, message.truncated, error
            yield FleetOutcome(file, file.report)

    def _had_before(self, lease: Lease, job: Job) -> bool:
        """Whether another worker has had it, in this run or in one that was killed."""
        return self._tries.get(lease.item, 0) > 0 or key_of(job) in self._records

    def _made_before(self, lease: Lease, job: Job) -> bool:
        """Whether a worker that was taken for dead has finished it after all."""
        return self._had_before(lease, job) and not self._settings.overwrite and not still_missing(job).targets

    def _retries(self, lease: Lease, job: Job, error: SvlmError, file: RemoteFile | None) -> bool:
        """Whether another try may end otherwise: on another disk, where another host can be reached."""
        match error:
            case OutputBusyError():  # a worker that is dead, or soon will be, may have it still
                return self._had_before(lease, job) and self._busy.get(lease.item, 0) < _BUSY_TRIES
            case OutputExistsError():
                return False
            case OutputError():
                return True
            case InputError():  # with words its files are complete, as far as they go
                return file is None or not file.report.rounds
        return False

    def _again(self, lease: Lease, job: Job, error: SvlmError, file: RemoteFile | None) -> bool:
        """Try once more. False if it has failed too often."""
        busy = isinstance(error, OutputBusyError)
        if busy:
            self._busy[lease.item] = self._busy.get(lease.item, 0) + 1
        else:
            self._tries[lease.item] = self._tries.get(lease.item, 0) + 1
        if self._placement.fail(lease.number, self._now_s(), delay_s=_BUSY_S if busy else 0.0, counts=not busy):
            return False
        if file is not None:
            self._observer.withdrawn(file)
            if not self._settings.overwrite:
                _remove_unfinished(job)
        self._manifest.failed(job, self._tries.get(lease.item, 0), str(error), aside=False)
        return True

    def _lose(self, worker: str, message: WorkerLost) -> Generator[FleetOutcome, None, None]:
        """Its files go to others, but for those that are finished, and those that it was not the first to die with."""
        for lease, aside in self._placement.leave(worker, self._now_s(), blamed=message.blamed):
            job, file = self._jobs[lease.item], self.unfinished.pop(lease.number, None)
            self._tries[lease.item] = tries = self._tries.get(lease.item, 0) + message.blamed
            if not self._settings.overwrite and not still_missing(job).targets:
                self._placement.drop([lease.item])
                self._manifest.done(job)
                file = file or RemoteFile(job)
                yield FleetOutcome(file, file.report)
                continue
            if file is not None:
                self._observer.withdrawn(file)
            self._manifest.failed(job, tries, message.reason, aside=aside)
            if aside:
                self._all_done = False
                self._observer.failed(job, _given_up(job, tries, message.reason))
            else:
                self._observer.say(f"svlm: {job.name}: its worker ended ({message.reason}); another goes on with it.")


def _weight(job: Job) -> float:
    """How long it will take, as far as its size tells: to open each file for its length would take longer."""
    try:
        return float(os.path.getsize(job.source.reveal()))  # noqa: PTH202
    except (OSError, ValueError):
        return 0.0


def _given_up(job: Job, tries: int, reason: str) -> SvlmError:
    return SvlmError(f"{job.name} is given up: {tries} workers ended while they had it.", f"The last one: {reason}.")


def _remove_unfinished(job: Job) -> None:
    """Where one output fails, the others get their names with what they have so far: not whole, and in the way."""
    for target in job.targets:
        if target.path is not None:
            with suppress(OSError):
                target.path.unlink(missing_ok=True)
