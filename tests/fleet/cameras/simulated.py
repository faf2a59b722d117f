"""A supervisor and workers on a simulated clock, with messages that may be late or lost."""

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus
from svlm_cli.fleet.cameras.leases import LeaseHolder
from svlm_cli.fleet.cameras.messages import Beat, WorkerAnswer
from svlm_cli.fleet.cameras.supervisor import CameraSupervisor
from svlm_cli.pipeline.batch import Job

CLOSING_S = 0.2  # until a camera's connection is closed
BEAT_S = 1.0


def cameras(count: int) -> list[Job]:
    return [Job(SourceAddress(f"rtsp://10.0.0.1/{index}"), (), name=f"cam{index}") for index in range(count)]


@dataclass
class Worker:
    """What a worker does, without pictures."""

    name: str
    streams: int = 10
    cost: float = 0.1  # of one camera
    clock: float = 1.0  # its speed
    holder: LeaseHolder = field(default_factory=LeaseHolder)
    watched: dict[int, str] = field(default_factory=dict)  # names by lease
    alive: bool = True
    reachable: bool = True

    @property
    def load(self) -> float:
        return self.cost * len(self.watched)


class World:
    """Runs everything. After each event no camera may be watched twice."""

    def __init__(self, count: int, workers: Sequence[Worker], *, seed: int = 0, delay_s: float = 0.01) -> None:
        self.now_s = 0.0
        self.jobs = cameras(count)
        self.workers = {one.name: one for one in workers}
        self.delay_s = delay_s
        self.random = random.Random(seed)
        self.losses: list[tuple[int, ...]] = []
        self.heard: list[tuple[int, RoundEnded | SourceStatus]] = []
        self.over: list[int] = []
        self.moves = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.supervisor: CameraSupervisor | None = None
        self._generation = 0
        for one in workers:
            self._expire(one)

    def begun(self, camera: int, worker: str) -> None:
        self.moves += 1

    def hear_of(self, camera: int, event: RoundEnded | SourceStatus) -> None:
        self.heard.append((camera, event))

    def ended(self, camera: int, error: SvlmError | None, notices: Sequence[str]) -> None:
        self.over.append(camera)

    def lost(self, cameras: Sequence[int], reason: str) -> None:
        self.losses.append(tuple(cameras))

    def supervise(self, *, earlier: bool = False) -> None:
        """A supervisor begins; the one before is dead."""
        self._generation += 1
        self.supervisor = CameraSupervisor(
            self.jobs,
            self,
            name=self._generation,
            first_lease=self._generation * 1_000_000,
            now_s=self.now_s,
            earlier=earlier,
        )
        for name, one in self.workers.items():
            if one.alive:
                self.join(name)
        self._look(self._generation)

    def join(self, name: str) -> None:
        assert self.supervisor is not None
        self.supervisor.join(name)
        self._beat(name, self._generation)

    def add(self, worker: Worker) -> None:
        self.workers[worker.name] = worker
        self._expire(worker)
        self.join(worker.name)

    def kill_supervisor(self) -> None:
        self.supervisor = None
        self._generation += 1

    def kill(self, name: str) -> None:
        """A worker's process ends, and the supervisor hears of it."""
        worker = self.workers[name]
        worker.alive = False
        worker.watched.clear()
        if self.supervisor is not None:
            self.supervisor.lose(name, "its process died", self.now_s, dead=True)

    def run(self, until_s: float) -> None:
        while self._queue and self._queue[0][0] <= until_s:
            self.now_s, _, deed = heapq.heappop(self._queue)
            deed()
            self.check()
        self.now_s = until_s

    def check(self) -> None:
        names = [name for one in self.workers.values() if one.alive for name in one.watched.values()]
        assert len(names) == len(set(names)), f"watched twice at {self.now_s}"

    @property
    def watched(self) -> set[str]:
        return {name for one in self.workers.values() if one.alive for name in one.watched.values()}

    def at(self, delay_s: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now_s + delay_s, next(self._order), deed))

    def _late(self) -> float:
        return self.delay_s * self.random.expovariate(1.0)

    def _look(self, generation: int) -> None:
        if generation == self._generation and self.supervisor is not None:
            self.supervisor.look(self.now_s)
            self.at(0.5, lambda: self._look(generation))

    def _beat(self, name: str, generation: int) -> None:
        """One beat after the other, as long as the supervisor lives."""
        if generation != self._generation or self.supervisor is None or not self.workers[name].alive:
            return
        if not self.workers[name].reachable:
            self.at(BEAT_S, lambda: self._beat(name, generation))
            return
        beat = self.supervisor.beat(name)
        self.at(self._late(), lambda: self._arrive(name, beat, generation))

    def _arrive(self, name: str, beat: Beat, generation: int) -> None:
        worker = self.workers[name]
        if not worker.alive:
            return
        now_s = self.now_s * worker.clock
        change = worker.holder.obey(beat, now_s)
        for lease, job in change.open:
            worker.watched[lease] = job.name
        self._close(worker, change.close)
        self.at(BEAT_S * self.random.random(), lambda: self._answer(name, generation))

    def _answer(self, name: str, generation: int) -> None:
        worker = self.workers[name]
        if worker.alive:
            answer = worker.holder.answer(self.now_s * worker.clock, streams=worker.streams, load=worker.load)
            self.at(self._late(), lambda: self._deliver(name, answer, generation))

    def _deliver(self, name: str, answer: WorkerAnswer, generation: int) -> None:
        if generation != self._generation or self.supervisor is None:
            return
        if self.workers[name].reachable:
            self.supervisor.hear(name, answer, self.now_s)
        self._beat(name, generation)

    def _close(self, worker: Worker, leases: Sequence[int]) -> None:
        def close(lease: int) -> None:
            worker.watched.pop(lease, None)
            worker.holder.closed(lease)

        for lease in leases:
            self.at(CLOSING_S, lambda lease=lease: close(lease))  # type: ignore[misc]

    def _expire(self, worker: Worker) -> None:
        if worker.alive:
            self._close(worker, worker.holder.expire(self.now_s * worker.clock).close)
            self.at(0.1, lambda: self._expire(worker))
