"""A path: where something is at any time, as a start and legs that follow each other or overlap.

Things and cameras move along paths. Knows neither.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RAMP_S = 0.6  # to speed up, and to slow down: about one step
_RAMP = 0.35  # the same as a share of the leg, at most


@dataclass(frozen=True, slots=True)
class Leg:
    """A movement with a start and an end: it speeds up, keeps its speed and slows down."""

    start_s: float
    end_s: float
    dx: float = 0.0
    dy: float = 0.0
    growth: float = 0.0  # of log size

    def __post_init__(self) -> None:
        assert self.end_s > self.start_s, "a leg takes time"


@dataclass(frozen=True, slots=True)
class Path:
    """A start (x, y and the logarithm of a size) and legs, which add up where they overlap."""

    x: float
    y: float
    log_size: float
    legs: tuple[Leg, ...] = ()

    def at(self, times_s: Floats) -> Floats:
        """``[T, 3]``: x, y and log size at these times."""
        places = np.repeat(np.asarray([[self.x, self.y, self.log_size]]), len(times_s), axis=0)
        for leg in self.legs:
            places += _eased(times_s, leg)[:, None] * (leg.dx, leg.dy, leg.growth)
        return places

    def travelled(self, times_s: Floats) -> Floats:
        """``[T]``: the distance travelled until then."""
        ways = [_eased(times_s, leg) * np.hypot(leg.dx, leg.dy) for leg in self.legs]
        return np.sum(ways, axis=0) if ways else np.zeros(len(times_s))

    def facing(self, times_s: Floats) -> Floats:
        """``[T]``: 1 if the latest sideways leg goes right, -1 if left; before the first one, as in that one."""
        sideways = [leg for leg in self.legs if leg.dx]
        facing = np.full(len(times_s), np.sign(sideways[0].dx) if sideways else 1.0)
        for leg in sideways:
            facing = np.where(times_s >= leg.start_s, np.sign(leg.dx), facing)
        return facing


def _eased(times_s: Floats, leg: Leg) -> Floats:
    """The share of a leg that is done, 0 to 1: constant speed between two ramps."""
    length_s = leg.end_s - leg.start_s
    ramp = min(_RAMP, _RAMP_S / length_s)
    done = np.clip((times_s - leg.start_s) / length_s, 0.0, 1.0)
    top = 1.0 / (1.0 - ramp)
    up, down = top * done**2 / (2 * ramp), 1.0 - top * (1.0 - done) ** 2 / (2 * ramp)
    return np.where(done < ramp, up, np.where(done > 1.0 - ramp, down, top * (done - ramp / 2)))
