"""A worker in this process, with a real camera: it watches what it is told to, as long as it is told so."""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import ModelError
from svlm_cli.core.events import RoundEnded, SourceStatus
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.fleet.cameras import worker as worker_module
from svlm_cli.fleet.cameras.leases import LEASE_S
from svlm_cli.fleet.cameras.messages import Beat, CameraEnded, CameraEvent, CameraHeard, WorkerAnswer
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.cameras.worker import CameraWorker
from svlm_cli.fleet.messages import ModelOrder
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.opening import SourceOptions
from tests.clips import run_ffmpeg
from tests.servers.rtsp import RtspServer, free_port, require_rtsp_server

PATIENCE_S = 60.0


class Supervisor:
    """Sends beats to one worker, and hears its answers."""

    def __init__(self, worker: CameraWorker) -> None:
        self.worker = worker
        self.cameras: dict[int, Job] = {}  # to be watched, by lease
        self.events: list[CameraEvent] = []
        self.answer: WorkerAnswer | None = None
        self._beats = 0

    def beat(self) -> WorkerAnswer:
        last = self.answer
        self._beats += 1
        beat = Beat(
            supervisor=1,
            number=self._beats,
            heard=last.number if last is not None else 0,
            heard_event=len(self.events),
            wanted=tuple(self.cameras) if last is not None else None,
            new=tuple(self.cameras.items()),
        )
        answer: WorkerAnswer = pickle.loads(pickle.dumps(self.worker.beat(pickle.loads(pickle.dumps(beat)), 0.1)))
        self.answer = answer
        self.events += answer.events[len(self.events) + 1 - answer.first_event :]
        return answer

    def until(self, true: Callable[[], object]) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < limit_s, (self.answer, self.events)
            self.beat()

    def rounds(self, lease: int) -> list[RoundEnded]:
        heard = [one.event for one in self.events if isinstance(one, CameraHeard) and one.lease == lease]
        return [one for one in heard if isinstance(one, RoundEnded)]

    @property
    def held(self) -> set[int]:
        return {one.lease for one in self.answer.held} if self.answer is not None else set()


@contextmanager
def supervised(checkpoint: Path, give_up: Callable[[], None] = lambda: None) -> Iterator[Supervisor]:
    settings = SessionSettings(sources=SourceOptions(waits=True))
    order = CameraOrder(ModelOrder(str(checkpoint), device="cpu"), StreamPolicy(), settings, cameras=3)
    with closing(CameraWorker(order, cores=1, give_up=give_up)) as worker:
        yield Supervisor(worker)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    require_rtsp_server()
    folder = tmp_path_factory.mktemp("pictures")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=8:d=2", "-start_number", "0", folder / "%05d.jpg")
    with RtspServer(folder, fps=8) as server:
        yield server


def camera(url: str, name: str, said: str = "") -> Job:
    return Job(SourceAddress(url), (), name=name, said=said)


def test_cameras_come_and_go(server: RtspServer, tiny_checkpoint: Path) -> None:
    """Guards a camera that waits for another's pictures, and one that goes on after it is not wanted any more."""
    with supervised(tiny_checkpoint) as supervisor:
        supervisor.until(lambda: supervisor.answer is not None and supervisor.answer.streams == 3)
        supervisor.cameras[1] = camera(server.url, "one")
        supervisor.until(lambda: len(supervisor.rounds(1)) >= 2)
        assert all(one.wall_clock_s is not None for one in supervisor.rounds(1))
        supervisor.cameras[2] = camera(f"rtsp://127.0.0.1:{free_port()}/live", "away")
        supervisor.cameras[3] = camera(server.url, "three")
        supervisor.until(lambda: supervisor.rounds(3))
        told = [one.event for one in supervisor.events if isinstance(one, CameraHeard) and one.lease == 2]
        assert all(isinstance(one, SourceStatus) for one in told)
        for lease in (1, 2):
            del supervisor.cameras[lease]
        supervisor.until(lambda: supervisor.held == {3})
        count = len(supervisor.rounds(1))
        supervisor.cameras[4] = camera(server.url, "one")  # again, later
        supervisor.until(lambda: supervisor.rounds(4))
        assert len(supervisor.rounds(1)) == count
        assert not [one for one in supervisor.events if isinstance(one, CameraEnded)]
        supervisor.until(lambda: supervisor.answer is not None and supervisor.answer.load is not None)
        assert supervisor.answer is not None
        assert supervisor.answer.load is not None
        assert 0 < supervisor.answer.load <= 1


def test_without_beats_nobody_watches(server: RtspServer, tiny_checkpoint: Path) -> None:
    with supervised(tiny_checkpoint) as supervisor:
        supervisor.cameras[1] = camera(server.url, "one")
        supervisor.until(lambda: supervisor.rounds(1))
        begun_s = time.monotonic()
        holder = supervisor.worker._holder
        while holder.answer(0.0, streams=1, load=None).held:
            assert time.monotonic() - begun_s < LEASE_S + PATIENCE_S
            time.sleep(0.05)
        assert time.monotonic() - begun_s > 1, "not before its lease has run out"


def test_the_last_words_are_what_was_said_before(
    server: RtspServer, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[str] = []
    original = Engine.open

    def spied(engine: Engine, *, query: str | None, context: str, seed: int) -> object:
        contexts.append(context)
        return original(engine, query=query, context=context, seed=seed)

    monkeypatch.setattr(Engine, "open", spied)
    with supervised(tiny_checkpoint) as supervisor:
        supervisor.cameras[1] = camera(server.url, "one", said="The door is open.")
        supervisor.until(lambda: supervisor.rounds(1))
    assert contexts == ["The door is open."]


def test_a_worker_whose_model_hangs_gives_up(
    server: RtspServer, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards cameras of a GPU that does not answer any more: others can watch them only when the process has ended."""
    hangs, gave_up, original = Event(), Event(), Engine.step

    def step(engine: Engine, requests: object) -> object:
        if hangs.is_set():
            gave_up.wait(PATIENCE_S)
        return original(engine, requests)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "step", step)
    with supervised(tiny_checkpoint, gave_up.set) as supervisor:
        supervisor.cameras[1] = camera(server.url, "one")
        supervisor.until(lambda: len(supervisor.rounds(1)) > 3)
        assert not gave_up.is_set()
        monkeypatch.setattr(worker_module, "_STUCK_S", 0.2)  # only now: a busy machine may be slow before
        monkeypatch.setattr(worker_module, "_STUCK_TIMES", 2)
        hangs.set()
        supervisor.until(gave_up.is_set)


def test_a_worker_that_nobody_needs_ends(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_ORPHAN_S", 0.5)
    gave_up = Event()
    with supervised(tiny_checkpoint, gave_up.set):
        assert gave_up.wait(PATIENCE_S)


def test_a_worker_without_its_model_says_so(tmp_path: Path) -> None:
    with supervised(tmp_path) as supervisor:
        supervisor.until(lambda: supervisor.answer is not None and supervisor.answer.unfit is not None)
        assert supervisor.answer is not None
        assert isinstance(supervisor.answer.unfit, ModelError)


def test_what_breaks_the_work_is_raised(
    server: RtspServer, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(engine: Engine, requests: object) -> object:
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(Engine, "step", step)
    with supervised(tiny_checkpoint) as supervisor:
        supervisor.cameras[1] = camera(server.url, "one")
        with pytest.raises(RuntimeError, match="CUDA error"):
            supervisor.until(lambda: False)


def test_an_order_and_a_job_are_plain_data(tiny_checkpoint: Path) -> None:
    """Guards logins: an address in a message is pickled, and never printed."""
    job = replace(camera("rtsp://viewer:sesame@10.0.0.1/live", "one"), said="x")
    assert pickle.loads(pickle.dumps(job)) == job
    assert "sesame" not in repr(job)
