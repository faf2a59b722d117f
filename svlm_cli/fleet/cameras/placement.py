"""Which worker watches which camera. Pure: it is told the time, and knows neither Ray nor pictures.

A camera that nobody watches goes to the worker with the least load, as measured by the workers. If a worker dies, its
cameras are free at once; if it may only be out of reach, they are free when its leases have run out (`leases.py`). So
no camera is ever watched twice at the same time, and none is left out. Where loads differ by much, as when a machine
joins, cameras move, a few at a time.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from svlm_cli.fleet.cameras.leases import LEASE_S, MARGIN_S

_PATIENCE_S: Final = 30.0  # for workers that are still starting, once the first is ready
_DOUBTFUL_S: Final = 3.0  # a worker that was not heard for so long gets no more cameras
_SETTLED_S: Final = 10.0  # until the measured load contains a camera
_PROVEN_S: Final = 60.0  # a camera that was watched so long did not kill its worker; until then it does not move
_BALANCE_EVERY_S: Final = 5.0
_UNBALANCED: Final = 0.2  # difference of loads from which cameras move
_MOVED_SHARE: Final = 0.1  # of a worker's cameras, at the same time
_SUSPECT: Final = 2  # workers that died with a camera in a row
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class CameraLease:
    """A camera in the hands of a worker."""

    number: int
    camera: int
    worker: str


@dataclass(slots=True, eq=False)
class _Camera:
    index: int
    lease: CameraLease | None = None
    since_s: float = 0.0  # when the lease began
    free_s: float = -math.inf  # not given to anybody before
    deaths: int = 0  # of workers that watched it, in a row
    moving: bool = False  # its worker is to stop


@dataclass(slots=True, eq=False)
class _Worker:
    name: str
    streams: int
    heard_s: float
    load: float | None = None
    leases: dict[int, CameraLease] = field(default_factory=dict)
    moving: int = 0
    wanted: tuple[CameraLease, ...] | None = None  # without those that move; None: to be found anew
    begun_s: deque[float] = field(default_factory=deque)  # of leases that the load may not contain yet

    def settled(self, now_s: float) -> int:
        """How many cameras its load contains."""
        while self.begun_s and now_s - self.begun_s[0] > _SETTLED_S:
            self.begun_s.popleft()
        return max(len(self.leases) - len(self.begun_s), 0)


class CameraPlacement:
    """Cameras by their index, workers by name. Leases are numbered from `first_lease`."""

    def __init__(self, cameras: int, *, first_lease: int = 1, lease_s: float = LEASE_S) -> None:
        self._cameras = [_Camera(index) for index in range(cameras)]
        self._free = {one.index: one for one in self._cameras}
        self._workers: dict[str, _Worker] = {}
        self._leases: dict[int, CameraLease] = {}
        self._next_lease = first_lease
        self._safe_after_s = lease_s + MARGIN_S
        self._balanced_s = -math.inf
        self._expected = 1
        self._first_joined_s: float | None = None
        self._patience_s = _PATIENCE_S

    @property
    def waiting(self) -> tuple[int, ...]:
        """The cameras that nobody watches."""
        return tuple(self._free)

    @property
    def settled(self) -> bool:
        """Whether all cameras have come to their end."""
        return not self._free and not self._leases

    @property
    def workers(self) -> tuple[str, ...]:
        """Those that have joined."""
        return tuple(self._workers)

    def knows(self, worker: str) -> bool:
        """Whether a worker has joined."""
        return worker in self._workers

    def lease(self, number: int) -> CameraLease | None:
        """The lease of that number, if it has not ended."""
        return self._leases.get(number)

    def leases_of(self, worker: str) -> tuple[CameraLease, ...]:
        """What a worker is to watch: without what it is to stop."""
        found = self._workers.get(worker)
        if found is None:
            return ()
        if found.wanted is None:
            found.wanted = tuple(one for one in found.leases.values() if not self._cameras[one.camera].moving)
        return found.wanted

    def moving(self, worker: str) -> tuple[int, ...]:
        """The leases that a worker is to stop."""
        found = self._workers.get(worker)
        if found is None or not found.moving:
            return ()
        return tuple(one.number for one in found.leases.values() if self._cameras[one.camera].moving)

    def expect(self, workers: int) -> None:
        """How many workers there will be: the first to join leaves the others their share for a while."""
        self._expected = workers

    def hold_back(self, until_s: float) -> None:
        """Give no camera away before: workers of an earlier supervisor may still watch them, until they are adopted."""
        for camera in self._free.values():
            camera.free_s = max(camera.free_s, until_s)
        self._patience_s = 0.0  # whoever is still there has its model loaded

    def join(self, worker: str, streams: int, now_s: float) -> None:
        """A worker is ready for so many cameras."""
        self._workers[worker] = _Worker(worker, streams, now_s)
        if self._first_joined_s is None:
            self._first_joined_s = now_s

    def adopt(self, worker: str, number: int, camera: int, now_s: float) -> bool:
        """A worker watches a camera since an earlier supervisor. False if another has it: then it is to stop."""
        found = self._free.get(camera)
        if found is None or worker not in self._workers or number in self._leases:
            return False
        self._begin(found, self._workers[worker], CameraLease(number, camera, worker), now_s)
        return True

    def hear(self, worker: str, now_s: float, load: float | None = None) -> None:
        """A worker has answered: its leases hold on. `load` is the share of its time in which it worked."""
        found = self._workers.get(worker)
        if found is not None:
            found.heard_s = now_s
            found.load = load if load is not None else found.load

    def silent(self, now_s: float) -> tuple[str, ...]:
        """The workers whose leases have run out."""
        return tuple(one.name for one in self._workers.values() if now_s - one.heard_s > self._safe_after_s)

    def leave(self, worker: str, now_s: float, *, dead: bool, blamed: bool = True) -> tuple[CameraLease, ...]:
        """A worker is gone. `dead`: surely; else it may go on until its leases have run out.

        Returns the leases that ended with it. Its cameras are suspected, unless they are not to be `blamed`.
        """
        gone = self._workers.pop(worker, None)
        if gone is None:
            return ()
        safe_s = now_s if dead else max(now_s, gone.heard_s + self._safe_after_s)
        for lease in gone.leases.values():
            camera = self._cameras[lease.camera]
            if now_s - camera.since_s > _PROVEN_S:
                camera.deaths = 0
            camera.deaths += blamed
            self._end(camera, safe_s + _pause_s(camera.deaths))
        return tuple(gone.leases.values())

    def give_back(self, number: int, now_s: float) -> None:
        """A worker does not watch a camera any more, for which it has a lease: another may."""
        lease = self._leases[number]
        worker, camera = self._workers[lease.worker], self._cameras[lease.camera]
        del worker.leases[number]
        worker.wanted = None
        worker.moving -= camera.moving
        self._end(camera, now_s)

    def finish(self, number: int) -> None:
        """A camera has come to its end, and is not given to anybody any more."""
        lease = self._leases[number]
        self.give_back(number, 0.0)
        del self._free[lease.camera]

    def assign(self, now_s: float) -> list[CameraLease]:
        """The leases that begin now."""
        ready = [one for one in self._free.values() if one.free_s <= now_s]
        if not ready:
            return []
        loads = _Loads(self._workers.values(), now_s, most=self._share(now_s))
        begun = []
        for camera in ready:
            worker = loads.take_least()
            if worker is None:
                break
            lease = CameraLease(self._next_lease, camera.index, worker.name)
            self._next_lease += 1
            self._begin(camera, worker, lease, now_s)
            begun.append(lease)
        return begun

    def balance(self, now_s: float) -> int:
        """Have cameras leave workers with much load, where others have little. Returns how many leave."""
        if now_s - self._balanced_s < _BALANCE_EVERY_S or len(self._workers) < 2:
            return 0
        if any(one.free_s <= now_s for one in self._free.values()):
            return 0  # there is no room
        self._balanced_s = now_s
        loads = _Loads(self._workers.values(), now_s)
        moved = 0
        for worker in sorted(self._workers.values(), key=loads.of, reverse=True):
            least = loads.least
            difference = loads.of(worker) - (loads.of(least) if least is not None else math.inf)
            if difference <= _UNBALANCED:
                break
            moved += self._move_from(worker, difference, loads, now_s)
        return moved

    def _move_from(self, worker: _Worker, difference: float, loads: "_Loads", now_s: float) -> int:
        """Half of the difference evens them out."""
        count = len(worker.leases)
        most = min(int(difference / 2 / loads.of(worker) * count), math.ceil(count * _MOVED_SHARE))
        movable = [self._cameras[one.camera] for one in worker.leases.values()]
        movable = [one for one in movable if not one.moving and now_s - one.since_s > _PROVEN_S]
        chosen = movable[: max(most - worker.moving, 0)]
        for camera in chosen:
            camera.moving = True
            worker.moving += 1
            worker.wanted = None
            loads.take_least()
        return len(chosen)

    def _share(self, now_s: float) -> int | None:
        """How many cameras a worker may have; None: as many as fit."""
        waited_s = now_s - (self._first_joined_s or 0.0)
        if len(self._workers) >= self._expected or waited_s > self._patience_s:
            return None
        return math.ceil((len(self._free) + len(self._leases)) / self._expected)

    def _begin(self, camera: _Camera, worker: _Worker, lease: CameraLease, now_s: float) -> None:
        del self._free[camera.index]
        camera.lease, camera.since_s, camera.moving = lease, now_s, False
        self._leases[lease.number] = worker.leases[lease.number] = lease
        worker.wanted = None
        worker.begun_s.append(now_s)

    def _end(self, camera: _Camera, free_s: float) -> None:
        assert camera.lease is not None
        del self._leases[camera.lease.number]
        camera.lease, camera.moving, camera.free_s = None, False, free_s
        self._free[camera.index] = camera


class _Loads:
    """The loads of workers as they will be once what they were given lately is measured."""

    def __init__(self, workers: Iterable[_Worker], now_s: float, *, most: int | None = None) -> None:
        found = list(workers)
        measured = [one for one in found if one.load is not None]
        settled = sum(one.settled(now_s) for one in measured)
        load = sum(one.load or 0.0 for one in measured)
        self._mean = load / settled if settled and load else None
        self._loads = {one.name: self._expected(one, now_s) for one in found}
        self._workers = {one.name: one for one in found}
        limit = math.inf if most is None else most
        self._room = {
            one.name: min(one.streams, limit) - len(one.leases) if now_s - one.heard_s < _DOUBTFUL_S else 0
            for one in found
        }
        self._heap = [(self._loads[name], name) for name, room in self._room.items() if room > 0]
        heapq.heapify(self._heap)

    def of(self, worker: _Worker) -> float:
        """Of one worker."""
        return self._loads[worker.name]

    @property
    def least(self) -> _Worker | None:
        """The worker with the least load that has room; None if nobody has."""
        return self._workers[self._heap[0][1]] if self._heap else None

    def take_least(self) -> _Worker | None:
        """As `least`, and it gets one more camera."""
        if not self._heap:
            return None
        load, name = heapq.heappop(self._heap)
        worker = self._workers[name]
        self._loads[name] = load + self._cost(worker)
        self._room[name] -= 1
        if self._room[name] > 0:
            heapq.heappush(self._heap, (self._loads[name], name))
        return worker

    def _expected(self, worker: _Worker, now_s: float) -> float:
        if worker.load is None:
            return len(worker.leases) * self._cost(worker)
        return worker.load + (len(worker.leases) - worker.settled(now_s)) * self._cost(worker)

    def _cost(self, worker: _Worker) -> float:
        """Of one more camera: as much as others take on average, or as if all that fit were a full load."""
        return 1 / worker.streams if self._mean is None else self._mean


def _pause_s(deaths: int) -> float:
    """What a camera waits after so many workers have died with it, longer each time, but never for ever."""
    if deaths < _SUSPECT:
        return 0.0
    return min(_FIRST_PAUSE_S * 2.0 ** min(deaths - _SUSPECT, 30), _LONGEST_PAUSE_S)
