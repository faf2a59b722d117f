"""What becomes of each camera: who watches it, when its words stopped, why, and when they went on.

Told the time. Knows no worker and no supervisor.
"""

import math
from array import array
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a camera has no words."""

    START = "start"  # nobody has watched it yet
    NODE = "node"  # died
    GPU = "gpu"  # died
    PARTITION = "partition"
    SUPERVISOR = "supervisor"
    NETWORK = "network"  # messages that were late or lost for so long that leases ran out
    MOVE = "move"  # to another worker, so that loads are even


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long it took until words went on, of all cameras that lost them for one reason."""

    cause: Cause
    cameras: int
    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    lost_s: float  # camera-seconds without words


class CameraFates:
    """All cameras by their index. At the start they have no words."""

    def __init__(self, cameras: int) -> None:
        self.watched_twice = 0  # times that a camera got a second watcher
        self.silent_now = cameras
        self._watchers = bytearray(cameras)
        self._silent_s = array("d", bytes(8 * cameras))  # since when; NaN: it speaks
        self._failed_s = array("d", bytes(8 * cameras))  # when what silenced it began
        self._causes = [Cause.START] * cameras
        self._times_s: dict[Cause, array[float]] = defaultdict(lambda: array("d"))
        self._lost_s: dict[Cause, float] = defaultdict(float)

    def open(self, camera: int) -> None:
        """A worker begins to watch it."""
        self._watchers[camera] += 1
        self.watched_twice += self._watchers[camera] > 1

    def close(self, camera: int) -> None:
        """A worker watches it no more."""
        self._watchers[camera] -= 1

    def silence(self, camera: int, cause: Cause, now_s: float, *, failed_s: float | None = None) -> None:
        """It has no words any more, because of something that began at `failed_s`. The first cause counts."""
        if math.isnan(self._silent_s[camera]):
            self._silent_s[camera] = now_s
            self._failed_s[camera] = now_s if failed_s is None else failed_s
            self._causes[camera] = cause
            self.silent_now += 1

    def speak(self, camera: int, now_s: float) -> None:
        """It has words."""
        since_s = self._silent_s[camera]
        if math.isnan(since_s):
            return
        cause = self._causes[camera]
        self._times_s[cause].append(now_s - self._failed_s[camera])
        self._lost_s[cause] += now_s - since_s
        self._silent_s[camera] = math.nan
        self.silent_now -= 1

    def settle(self, now_s: float) -> int:
        """The end: seconds are counted of those that have no words, and these are returned."""
        silent = [index for index, since_s in enumerate(self._silent_s) if not math.isnan(since_s)]
        for index in silent:
            self._lost_s[self._causes[index]] += now_s - self._silent_s[index]
        return len(silent)

    def lost_s(self, cause: Cause) -> float:
        """Camera-seconds without words."""
        return self._lost_s[cause]

    def times_s(self, cause: Cause) -> list[float]:
        """From each failure to the next words, sorted."""
        return sorted(self._times_s[cause])

    def recovery(self, cause: Cause) -> Recovery:
        """Of all cameras that have lost their words for this reason, and have words again."""
        times = self.times_s(cause)
        return Recovery(
            cause=cause,
            cameras=len(times),
            p50_s=_rank(times, 0.5),
            p95_s=_rank(times, 0.95),
            p99_s=_rank(times, 0.99),
            max_s=_rank(times, 1.0),
            lost_s=self._lost_s[cause],
        )


def _rank(times: list[float], share: float) -> float:
    """The time that so many do not exceed; NaN if there are none."""
    return times[max(math.ceil(share * len(times)), 1) - 1] if times else math.nan
