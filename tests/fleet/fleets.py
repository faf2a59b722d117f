"""Jobs for fleets, and a crew whose workers do what a script says, on a clock of its own."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.fleet.driver import FleetOutcome, FleetSession, RemoteFile
from svlm_cli.fleet.manifest import Manifest, read_records
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, Message, WorkerLost, WorkerReady
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Existing, Job, Target
from svlm_cli.pipeline.settings import SessionSettings

Deed = Callable[["ScriptedCrew", str, int, Job], None]
"""What a worker does with a file."""


def job_in(folder: Path, name: str, *formats: Format, size: int = 1) -> Job:
    """A job whose video has so many bytes."""
    video = folder / f"{name}.mp4"
    video.write_bytes(b"v" * size)
    targets = tuple(Target(one, folder / f"{name}.{one}") for one in formats or (Format.SRT,))
    return Job(SourceAddress(str(video)), targets)


def write(job: Job, text: str = "words") -> None:
    """Its outputs, whole."""
    for target in job.targets:
        assert target.path is not None
        target.path.write_text(text)


def ended_round(job: Job, start_s: float = 0.0) -> RoundEnded:
    """A second of it, with a word."""
    return RoundEnded(job.name, start_s, start_s + 1, "word", 1, 0.0)


def caption(crew: "ScriptedCrew", worker: str, lease: int, job: Job) -> None:
    """What a worker does with a video that is all right."""
    crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)))
    write(job)
    crew.say(worker, FileEnded(lease))


def fails(error: SvlmError, *, opened: bool = False) -> Deed:
    """It cannot be done."""

    def deed(crew: "ScriptedCrew", worker: str, lease: int, job: Job) -> None:
        crew.say(worker, *([FileOpened(lease, 1.0)] if opened else []), FileEnded(lease, error))

    return deed


def die(crew: "ScriptedCrew", worker: str, lease: int, job: Job) -> None:
    """It kills its worker."""
    crew.say(worker, FileOpened(lease, 1.0), WorkerLost("its process died"))


class ScriptedCrew:
    """Workers of one stream each; a dead one is replaced. By default they caption; `script` has a deed for each try."""

    def __init__(self, workers: Iterable[str] = ("a", "b"), **script: Sequence[Deed]) -> None:
        self.now_s = 0.0
        self.given: list[tuple[str, str]] = []  # worker, stem
        self.targets: list[int] = []  # how many each was to write
        self.alive = set(workers)
        self.tried: dict[str, int] = {}
        self.dismissed: list[str] = []
        self.deaf: set[str] = set()
        self.unreachable: set[str] = set()  # cannot be ended, and nobody says that they are lost
        self._script = script
        self._mail: deque[tuple[str, Message]] = deque()
        for worker in sorted(self.alive):
            self.say(worker, WorkerReady(1, worker))

    @property
    def expected(self) -> int:
        return len(self.alive)

    def wait(self, timeout_s: float) -> list[tuple[str, Message]]:
        found, self._mail = list(self._mail), deque()
        if not found:
            self.now_s += timeout_s
        return found

    def heard(self) -> tuple[str, ...]:
        return tuple(self.alive - self.deaf)

    def give(self, worker: str, lease: int, job: object) -> None:
        assert isinstance(job, Job)
        stem = Path(job.source.reveal()).stem
        self.given.append((worker, stem))
        self.targets.append(len(job.targets))
        deeds = self._script.get(stem, ())
        tries = self.tried[stem] = self.tried.get(stem, 0) + 1
        (deeds[min(tries, len(deeds)) - 1] if deeds else caption)(self, worker, lease, job)

    def dismiss(self, worker: str) -> None:
        self.dismissed.append(worker)
        if worker not in self.unreachable:
            self.say(worker, WorkerLost("its process died"))

    def say(self, worker: str, *messages: Message) -> None:
        """It is heard at the next `wait`."""
        for message in messages:
            self._mail.append((worker, message))
            if isinstance(message, WorkerLost) and worker in self.alive:
                self.alive.remove(worker)
                self.deaf.discard(worker)
                self.alive.add(f"{worker}'")
                self._mail.append((f"{worker}'", WorkerReady(1, worker)))


@dataclass
class Diary:
    """An observer that writes down."""

    lines: list[str] = field(default_factory=list)
    failures: dict[str, SvlmError] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def begun(self, source: RemoteFile) -> None:
        self.open.append(source.job.name)

    def failed(self, job: Job, error: SvlmError) -> None:
        assert job.name not in self.open, "it was withdrawn before"
        self.failures[Path(job.name).stem] = error

    def withdrawn(self, source: RemoteFile) -> None:
        self.open.remove(source.job.name)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        assert event.name in self.open

    def say(self, line: str) -> None:
        self.lines.append(line)


def run(
    crew: ScriptedCrew, jobs: Sequence[Job], path: Path, *, existing: Existing = Existing.REFUSE
) -> tuple[dict[str, FleetOutcome], Diary]:
    """A call, with its manifest at `path`: what came of each file that was opened, and what was told."""
    diary = Diary()
    records, ended = read_records(path)
    manifest = Manifest(path)
    settings = replace(SessionSettings(), existing=existing)
    session = FleetSession(
        jobs, settings, crew, manifest, diary, records={} if ended else records, now_s=lambda: crew.now_s
    )
    try:
        return {Path(one.source.job.name).stem: one for one in session.run()}, diary
    finally:
        manifest.close()
