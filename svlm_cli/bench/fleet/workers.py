"""A worker without a model: real leases, and cameras that have a load and nothing to show."""

import math
from collections.abc import Iterator

from svlm_cli.bench.fleet.setting import FleetSetting
from svlm_cli.fleet.cameras.leases import LeaseHolder
from svlm_cli.fleet.cameras.messages import WorkerAnswer

_METERED_S = 5.0  # what a worker must have seen before it knows its load
_SMOOTHED_S = 4.0  # as slow as the average over the last ten seconds


class SimulatedWorker:
    """On one GPU of a node. `speed` is that of its clock."""

    def __init__(self, name: str, node: int, gpu: int, speed: float, ready_s: float) -> None:
        self.name = name
        self.node = node
        self.gpu = gpu
        self.speed = speed
        self.alive = True
        self.holder = LeaseHolder()
        self.watched: dict[int, int] = {}  # cameras by lease
        self.speaking: set[int] = set()  # leases of cameras that have shown something
        self.told = 0  # events
        self._ready_s = ready_s
        self._load = 0.0
        self._work = 0.0  # the load that the cameras make
        self._answered_s = ready_s

    def local_s(self, now_s: float) -> float:
        """The time on its own clock."""
        return now_s * self.speed

    def expires_s(self) -> float:
        """When its leases run out, on the true clock."""
        return self.holder.until_s / self.speed

    def open(self, lease: int, camera: int, load: float) -> None:
        """Watch a camera."""
        self.watched[lease] = camera
        self._work += load

    def close(self, lease: int, load: float) -> None:
        """Watch it no more."""
        del self.watched[lease]
        self.speaking.discard(lease)
        self.holder.closed(lease)
        self._work -= load

    def die(self) -> Iterator[int]:
        """Its process ends. Gives the cameras that it has watched."""
        self.alive = False
        yield from self.watched.values()
        self.watched.clear()
        self.speaking.clear()

    def answer(self, now_s: float, setting: FleetSetting) -> WorkerAnswer:
        """What it says now."""
        if now_s < self._ready_s:
            return self.holder.answer(self.local_s(now_s), streams=0, load=None)
        kept = math.exp((self._answered_s - now_s) / _SMOOTHED_S)
        self._load = self._load * kept + self._work * (1 - kept)
        self._answered_s = now_s
        load = self._load if now_s - self._ready_s > _METERED_S else None
        return self.holder.answer(self.local_s(now_s), streams=setting.streams, load=load)
