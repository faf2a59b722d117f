"""The supervisor with a meter: what its code and its messages cost. The supervisor itself is the real one."""

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus
from svlm_cli.fleet.cameras.messages import Beat, CameraEvent, WorkerAnswer
from svlm_cli.fleet.cameras.supervisor import CameraSupervisor

_TIMED = 8  # one of so many calls is timed: reading the clock takes as long as a tenth of a call
_WHOLE = 509  # one of so many messages is pickled, and holds the rounds that others only count


@dataclass(slots=True)
class Mean:
    """Of what was measured so far."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """One more."""
        self.total += value
        self.count += 1

    @property
    def value(self) -> float:
        """0 if nothing was measured."""
        return self.total / self.count if self.count else 0.0


@dataclass(slots=True)
class SupervisorMeter:
    """Of all supervisors of a run, one after the other. Seconds are those of the CPU."""

    messages: int = 0  # beats and answers
    looks: int = 0
    rounds: int = 0  # that answers told of
    beat_s: Mean = field(default_factory=Mean)
    hear_s: Mean = field(default_factory=Mean)
    look_s: Mean = field(default_factory=Mean)
    start_s: Mean = field(default_factory=Mean)  # of a supervisor
    beat_bytes: Mean = field(default_factory=Mean)
    answer_bytes: Mean = field(default_factory=Mean)
    whole_beat_s: Mean = field(default_factory=Mean)  # with pickling
    whole_hear_s: Mean = field(default_factory=Mean)  # with unpickling, and with rounds
    by_second_s: dict[int, float] = field(default_factory=dict)  # of the supervisor's own code, by simulated second


class _Nobody:
    """Nobody is told."""

    def begun(self, camera: int, worker: str) -> None:
        pass

    def hear_of(self, camera: int, event: RoundEnded | SourceStatus) -> None:
        pass

    def ended(self, camera: int, error: SvlmError | None, notices: Sequence[str]) -> None:
        pass

    def lost(self, cameras: Sequence[int], reason: str) -> None:
        pass


class MeteredSupervisor:
    """Made by `make`, which is given the observer."""

    def __init__(self, make: Callable[[_Nobody], CameraSupervisor], meter: SupervisorMeter) -> None:
        begun_s = time.thread_time()
        self._supervisor = make(_Nobody())
        meter.start_s.add(time.thread_time() - begun_s)
        self._meter = meter
        self.join = self._supervisor.join
        self.lose = self._supervisor.lose

    def beat(self, worker: str, now_s: float) -> Beat:
        """What to say to a worker."""
        meter = self._meter
        meter.messages += 1
        if meter.messages % _WHOLE == 0:
            begun_s = time.thread_time()
            beat = self._supervisor.beat(worker)
            data = pickle.dumps(beat)
            meter.whole_beat_s.add(time.thread_time() - begun_s)
            meter.beat_bytes.add(len(data))
            return beat
        if meter.messages % _TIMED:
            return self._supervisor.beat(worker)
        begun_s = time.thread_time()
        beat = self._supervisor.beat(worker)
        self._spend(meter.beat_s, time.thread_time() - begun_s, now_s, _TIMED)
        return beat

    def hear(
        self,
        worker: str,
        answer: WorkerAnswer,
        now_s: float,
        *,
        rounds: int,
        told: int,
        events: Callable[[], tuple[CameraEvent, ...]],
    ) -> None:
        """A worker has answered, and told of so many `rounds`, after others; `events` makes them."""
        meter = self._meter
        meter.messages += 1
        meter.rounds += rounds
        if meter.messages % _WHOLE == 0:
            data = pickle.dumps(replace(answer, first_event=told + 1, events=events()))
            begun_s = time.thread_time()
            self._supervisor.hear(worker, pickle.loads(data), now_s)
            meter.whole_hear_s.add(time.thread_time() - begun_s)
            meter.answer_bytes.add(len(data))
        elif meter.messages % _TIMED:
            self._supervisor.hear(worker, answer, now_s)
        else:
            begun_s = time.thread_time()
            self._supervisor.hear(worker, answer, now_s)
            self._spend(meter.hear_s, time.thread_time() - begun_s, now_s, _TIMED)

    def look(self, now_s: float) -> tuple[str, ...]:
        """As the supervisor's."""
        self._meter.looks += 1
        begun_s = time.thread_time()
        found = self._supervisor.look(now_s)
        self._spend(self._meter.look_s, time.thread_time() - begun_s, now_s, 1)
        return found

    def _spend(self, mean: Mean, cpu_s: float, now_s: float, calls: int) -> None:
        mean.add(cpu_s)
        second = int(now_s)
        self._meter.by_second_s[second] = self._meter.by_second_s.get(second, 0.0) + cpu_s * calls
