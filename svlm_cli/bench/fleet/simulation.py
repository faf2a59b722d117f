"""A fleet for some simulated hours: starts it, breaks what the setting says, and counts what becomes of cameras."""

import gc
import math
import random
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial

from svlm_cli.bench.fleet.clock import SimulatedClock
from svlm_cli.bench.fleet.crew import SimulatedCrew
from svlm_cli.bench.fleet.fates import CameraFates, Cause
from svlm_cli.bench.fleet.jobs import CameraJobs, index_of
from svlm_cli.bench.fleet.metered import MeteredSupervisor, SupervisorMeter
from svlm_cli.bench.fleet.network import SimulatedNetwork
from svlm_cli.bench.fleet.setting import FleetSetting
from svlm_cli.bench.fleet.workers import SimulatedWorker
from svlm_cli.fleet.cameras.leases import LEASE_S, CameraChange
from svlm_cli.fleet.cameras.supervisor import CameraSupervisor

_HOUR_S = 3600.0
_LEASES = 10**9  # that one supervisor may number
_TOLD_S = 60.0  # between two reports of progress
_GPU_LATE_S = (0.3, 0.9)  # from a round's last picture to its words


class FleetSimulation:
    """The same setting always gives the same fates."""

    def __init__(self, setting: FleetSetting) -> None:
        self.setting = setting
        self.fates = CameraFates(setting.cameras)
        self.meter = SupervisorMeter()
        self.failures: Counter[str] = Counter()
        self.moves = 0
        self.silent_over_time: list[tuple[float, int]] = []
        self._clock = SimulatedClock()
        self._network = SimulatedNetwork(setting, f"network {setting.seed}")
        self._dice = random.Random(f"fleet {setting.seed}")
        self._jobs = CameraJobs(setting.cameras)
        sigma = setting.unlike
        self._loads = array(
            "d",
            (self._dice.lognormvariate(-sigma * sigma / 2, sigma) / setting.streams for _ in range(setting.cameras)),
        )
        self._workers: dict[tuple[int, int], SimulatedWorker] = {}
        self._down: set[int] = set()  # nodes
        self._crew: SimulatedCrew | None = None
        self._supervisors = 0
        self._starts = 0
        self._without_since_s = 0.0  # a supervisor
        self._with_since_s = 0.0

    @property
    def deeds(self) -> int:
        """Events of the simulation so far."""
        return self._clock.deeds

    def run(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """All of it. Tells `advance` the minutes that are over; returns how many cameras have no words at the end."""
        setting = self.setting
        self._supervise()
        for node in range(setting.nodes):
            self._start_node(node)
        self._plan_failures()
        self._look()
        gc.disable()  # millions of objects live, and none is garbage in a circle
        try:
            while self._clock.now_s < setting.end_s:
                self._clock.run(min(self._clock.now_s + _TOLD_S, setting.end_s))
                advance(math.ceil(self._clock.now_s / _TOLD_S))
        finally:
            gc.enable()
        return self.fates.settle(setting.end_s)

    def _look(self) -> None:
        self.silent_over_time.append((self._clock.now_s, self.fates.silent_now))
        self._clock.after(1.0, self._look)

    def _plan_failures(self) -> None:
        setting = self.setting
        first_s, last_s = setting.first_failure_s, setting.last_failure_s
        for share, count, fail in (
            (setting.failing, setting.nodes, self._fail_node),
            (setting.gpu_failing, setting.workers, self._fail_gpu),
        ):
            rate = share * count / _HOUR_S
            time_s = first_s + (self._dice.expovariate(rate) if rate else last_s)
            while time_s < last_s:
                self._clock.at(time_s, fail, self._dice.randrange(count))
                time_s += self._dice.expovariate(rate)
        for _ in range(setting.partitions):
            first = self._dice.randrange(setting.nodes - setting.cut_off + 1)
            rack = range(first, first + setting.cut_off)
            self._clock.at(self._dice.uniform(first_s, last_s), self._part, rack)
        for _ in range(setting.supervisor_deaths):
            self._clock.at(self._dice.uniform(first_s, last_s), self._kill_supervisor)

    def _supervise(self) -> None:
        """A supervisor begins, and finds the workers that there are."""
        self._supervisors += 1
        self._with_since_s = self._clock.now_s
        make = partial(
            CameraSupervisor,
            self._jobs,
            name=self._supervisors,
            first_lease=self._supervisors * _LEASES,
            now_s=self._clock.now_s,
            earlier=self._supervisors > 1,
        )
        supervisor = MeteredSupervisor(make, self.meter)
        self._crew = SimulatedCrew(supervisor, self.setting, self._clock, self._network, self._follow)
        for worker in self._workers.values():
            if worker.alive:
                self._join(worker)

    def _kill_supervisor(self) -> None:
        if self._crew is not None:
            self.failures["supervisor"] += 1
            self._crew.die()
            self._crew = None
            self._without_since_s = self._clock.now_s
            self._clock.after(self.setting.supervisor_away_s, self._supervise)

    def _join(self, worker: SimulatedWorker) -> None:
        if self._crew is not None:
            self._crew.join(worker, self._dice.uniform(0, self.setting.beat_s))

    def _start_node(self, node: int) -> None:
        self._down.discard(node)
        for gpu in range(self.setting.gpus):
            self._start_worker(node, gpu)

    def _start_worker(self, node: int, gpu: int) -> None:
        """Unless it runs, or its node does not."""
        before = self._workers.get((node, gpu))
        if node in self._down or (before is not None and before.alive):
            return
        self._starts += 1
        speed = 1 + self._dice.uniform(-1, 1) * self.setting.drift
        ready_s = self._clock.now_s + self.setting.loading_s
        worker = SimulatedWorker(f"n{node}-{gpu}-{self._starts}", node, gpu, speed, ready_s)
        self._workers[node, gpu] = worker
        self._join(worker)
        self._clock.after(LEASE_S, self._expire, worker)

    def _fail_node(self, node: int) -> None:
        if node in self._down:
            return
        self.failures["node"] += 1
        self._down.add(node)
        for gpu in range(self.setting.gpus):
            self._kill(self._workers[node, gpu], Cause.NODE, self.setting.node_noticed_s)
        self._clock.after(self.setting.node_away_s, self._start_node, node)

    def _fail_gpu(self, number: int) -> None:
        node, gpu = divmod(number, self.setting.gpus)
        if self._workers[node, gpu].alive:
            self.failures["gpu"] += 1
            self._kill(self._workers[node, gpu], Cause.GPU, self.setting.noticed_s)
            self._clock.after(self.setting.gpu_away_s, self._start_worker, node, gpu)

    def _kill(self, worker: SimulatedWorker, cause: Cause, noticed_s: float) -> None:
        if worker.alive:
            for camera in worker.die():
                self.fates.close(camera)
                self.fates.silence(camera, cause, self._clock.now_s)
            self._clock.after(noticed_s, self._notice, worker, cause)

    def _notice(self, worker: SimulatedWorker, cause: Cause) -> None:
        if self._crew is not None:
            self._crew.notice(worker, blamed=cause is Cause.GPU)

    def _part(self, rack: range) -> None:
        """Words of a node out of reach count as none, although its workers watch on until their leases run out."""
        self.failures["partition"] += 1
        self._network.cut_off(rack)
        for worker in self._on(rack):
            for camera in worker.watched.values():
                self.fates.silence(camera, Cause.PARTITION, self._clock.now_s)
        self._clock.after(self.setting.partition_s, self._reach_again, rack)

    def _reach_again(self, rack: range) -> None:
        for worker in self._on(self._network.reach_again(rack)):
            for lease in worker.speaking:
                self.fates.speak(worker.watched[lease], self._clock.now_s)

    def _on(self, nodes: "range | list[int]") -> list[SimulatedWorker]:
        return [self._workers[node, gpu] for node in nodes for gpu in range(self.setting.gpus)]

    def _follow(self, worker: SimulatedWorker, change: CameraChange) -> None:
        """A worker opens and closes cameras, as it was told."""
        for lease, job in change.open:
            camera = index_of(job)
            self.fates.open(camera)
            worker.open(lease, camera, self._loads[camera])
            self._clock.after(self._first_words_s(), self._speak, worker, lease)
        self.moves += len(change.close)
        for lease in change.close:
            self._clock.after(self.setting.closing_s, self._close, worker, lease, Cause.MOVE)

    def _first_words_s(self) -> float:
        setting = self.setting
        connecting_s = setting.connecting_s * self._dice.lognormvariate(0, setting.connecting_sigma)
        return connecting_s + setting.round_s + self._dice.uniform(*_GPU_LATE_S)

    def _speak(self, worker: SimulatedWorker, lease: int) -> None:
        if lease in worker.watched and not worker.holder.is_closing(lease):
            worker.speaking.add(lease)
            if self._network.reaches(worker.node):
                self.fates.speak(worker.watched[lease], self._clock.now_s)

    def _close(self, worker: SimulatedWorker, lease: int, cause: Cause) -> None:
        if lease in worker.watched:
            camera = worker.watched[lease]
            worker.close(lease, self._loads[camera])
            self.fates.close(camera)
            failed_s = self._without_since_s if cause is Cause.SUPERVISOR else None
            self.fates.silence(camera, cause, self._clock.now_s, failed_s=failed_s)

    def _expire(self, worker: SimulatedWorker) -> None:
        """A worker looks at its leases, when they may have run out."""
        if not worker.alive:
            return
        now_s, setting = self._clock.now_s, self.setting
        change = worker.holder.expire(worker.local_s(now_s))
        just_back = self._supervisors > 1 and now_s - self._with_since_s < LEASE_S
        cause = Cause.SUPERVISOR if self._crew is None or just_back else Cause.NETWORK
        for lease in change.close:
            self._clock.after(setting.closing_s, self._close, worker, lease, cause)
        next_s = max(worker.expires_s(), now_s) + self._dice.uniform(0, setting.expiring_s)
        self._clock.at(next_s, self._expire, worker)
