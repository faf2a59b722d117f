"""The camera: what of the scene it shows at any time.

Places in a scene are measured in widths of the picture at zoom 1; so are those on the picture, from its middle, x to
the right and y down. Knows no things but the path of one that it follows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.path import Path

Floats = NDArray[np.float64]

_LAG_S = 0.4  # a hand follows what it has seen


@dataclass(frozen=True, slots=True)
class Shake:
    """A hand's: sums of slow and quick waves."""

    size: float  # about how far from the middle, in widths of the picture
    hz: float
    phase: float

    def at(self, times_s: Floats) -> Floats:
        """``[T, 3]``: sideways and up in widths of the picture, and roll in radians."""
        turn = 2 * np.pi * self.hz * times_s
        sideways = np.sin(turn + self.phase) + 0.5 * np.sin(2.7 * turn + 2 * self.phase)
        up = np.sin(0.83 * turn + 3 * self.phase) + 0.5 * np.sin(2.3 * turn + self.phase)
        roll = np.sin(0.61 * turn + 5 * self.phase)
        return self.size * np.stack([sideways, up, 0.8 * roll], axis=1)


@dataclass(frozen=True, slots=True)
class Views:
    """Where a camera looks at T times."""

    centres: Floats  # [T, 2] of the picture, in the scene
    zoom: Floats  # [T]
    roll: Floats  # [T] radians

    @staticmethod
    def fixed(count: int) -> "Views":
        """Of a camera that is never moved."""
        return Views(np.zeros((count, 2)), np.ones(count), np.zeros(count))

    def to_picture(self, x: Floats, y: Floats, nearness: float = 0.0) -> tuple[Floats, Floats]:
        """Where places of the scene are on the picture; what is nearer than the rest passes by faster."""
        dx, dy = ((1 + nearness) * way for way in (x - self.centres[:, 0], y - self.centres[:, 1]))
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return self.zoom * (cos * dx + sin * dy), self.zoom * (cos * dy - sin * dx)


@dataclass(frozen=True, slots=True)
class FilmCamera:
    """A path of its own or that of a thing, and a hand's shake."""

    path: Path  # x and y of its middle, and the logarithm of its zoom
    shake: Shake | None = None
    follows: Path | None = None  # it goes where this goes, from where it stands itself at first

    def views(self, times_s: Floats) -> Views:
        moves = self.steady(times_s)
        shake = np.zeros((len(times_s), 3)) if self.shake is None else self.shake.at(times_s)
        zoom = np.exp(moves[:, 2])
        return Views(moves[:, :2] + shake[:, :2] / zoom[:, None], zoom, shake[:, 2])

    def steady(self, times_s: Floats) -> Floats:
        """``[T, 3]``: x, y and log zoom, without the shake."""
        moves = self.path.at(times_s)
        if self.follows is not None:
            moves[:, :2] += self.follows.at(times_s - _LAG_S)[:, :2] - (self.follows.x, self.follows.y)
        return moves
