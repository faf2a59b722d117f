"""What carries messages between a supervisor and the workers, as calls that may fail and are then repeated.

It dies with its supervisor.
"""

from collections.abc import Callable

from svlm_cli.bench.fleet.clock import SimulatedClock
from svlm_cli.bench.fleet.jobs import rounds_of
from svlm_cli.bench.fleet.metered import MeteredSupervisor
from svlm_cli.bench.fleet.network import SimulatedNetwork
from svlm_cli.bench.fleet.setting import FleetSetting
from svlm_cli.bench.fleet.workers import SimulatedWorker
from svlm_cli.fleet.cameras.leases import CameraChange
from svlm_cli.fleet.cameras.messages import Beat, WorkerAnswer


class SimulatedCrew:
    """`change` is told what a beat changes at a worker."""

    def __init__(
        self,
        supervisor: MeteredSupervisor,
        setting: FleetSetting,
        clock: SimulatedClock,
        network: SimulatedNetwork,
        change: Callable[[SimulatedWorker, CameraChange], None],
    ) -> None:
        self._supervisor = supervisor
        self._setting = setting
        self._clock = clock
        self._network = network
        self._change = change
        self._joined: dict[str, SimulatedWorker] = {}
        self._unheard: set[str] = set()
        self._alive = True
        self._look()

    def join(self, worker: SimulatedWorker, wait_s: float) -> None:
        """A worker has begun. It hears something after `wait_s`."""
        self._joined[worker.name] = worker
        self._unheard.add(worker.name)
        self._supervisor.join(worker.name)
        self._clock.after(wait_s, self._turn, worker)

    def notice(self, worker: SimulatedWorker, *, blamed: bool) -> None:
        """It is known that a worker is dead."""
        if self._alive and self._joined.pop(worker.name, None) is not None:
            self._supervisor.lose(worker.name, "its process died", self._clock.now_s, dead=True, blamed=blamed)

    def die(self) -> None:
        """Nothing is sent or heard any more."""
        self._alive = False

    def _look(self) -> None:
        if self._alive:
            for name in self._supervisor.look(self._clock.now_s):
                self._send(self._joined[name], turn=False)
            self._clock.after(self._setting.look_s, self._look)

    def _turn(self, worker: SimulatedWorker) -> None:
        """One beat after the other."""
        if self._alive and worker.name in self._joined:
            self._send(worker, turn=True)

    def _send(self, worker: SimulatedWorker, *, turn: bool) -> None:
        beat = self._supervisor.beat(worker.name, self._clock.now_s)
        delay_s = self._network.delay_s() if self._network.reaches(worker.node) else None
        sent_s = self._clock.now_s if turn else None
        if delay_s is None:
            self._fail(worker, sent_s)
        else:
            self._clock.after(delay_s, self._arrive, worker, beat, sent_s)

    def _arrive(self, worker: SimulatedWorker, beat: Beat, sent_s: float | None) -> None:
        if not worker.alive or not self._network.reaches(worker.node):
            self._fail(worker, sent_s)
            return
        now_s = self._clock.now_s
        change = worker.holder.obey(beat, worker.local_s(now_s))
        if change.open or change.close:
            self._change(worker, change)
        answer = worker.answer(now_s, self._setting)
        delay_s = self._network.delay_s()
        if delay_s is None:
            self._fail(worker, sent_s)
        else:
            self._clock.after(delay_s, self._deliver, worker, answer, sent_s)

    def _deliver(self, worker: SimulatedWorker, answer: WorkerAnswer, sent_s: float | None) -> None:
        if not self._network.reaches(worker.node):
            self._fail(worker, sent_s)
            return
        now_s = self._clock.now_s
        if self._alive and worker.name in self._joined:
            rounds = len(worker.speaking) if sent_s is not None else 0
            self._supervisor.hear(
                worker.name,
                answer,
                now_s,
                rounds=rounds,
                told=worker.told,
                events=lambda: rounds_of(((one, worker.watched[one]) for one in sorted(worker.speaking)), now_s),
            )
            worker.told += rounds
        if worker.name in self._unheard:  # its leases hold on once its answer is acknowledged: at once
            self._unheard.discard(worker.name)
            self._clock.at(now_s, self._turn, worker)
        elif sent_s is not None:
            self._clock.at(max(sent_s + self._setting.beat_s, now_s), self._turn, worker)

    def _fail(self, worker: SimulatedWorker, sent_s: float | None) -> None:
        """A call has no answer. Those between two turns are not repeated: the next turn says the same."""
        if sent_s is not None:
            self._clock.at(max(sent_s + self._setting.retry_s, self._clock.now_s), self._turn, worker)
