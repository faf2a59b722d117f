"""The camera: which part of the scene it shows at any time.

Coordinates of the scene are in picture widths at zoom 1. Those of the picture are in picture widths from its middle,
with x to the right and y down. Knows of things only the path of the one that it follows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.path import Path

Floats = NDArray[np.float64]

_LAG_S = 0.4  # a person behind the camera reacts late


@dataclass(frozen=True, slots=True)
class Shake:
    """The shake of a hand-held camera: a sum of slow and quick waves."""

    size: float  # amplitude in picture widths, approximately
    hz: float
    phase: float

    def at(self, times_s: Floats) -> Floats:
        """``[T, 3]``: sideways and up in picture widths, and roll in radians."""
        turn = 2 * np.pi * self.hz * times_s
        sideways = np.sin(turn + self.phase) + 0.5 * np.sin(2.7 * turn + 2 * self.phase)
        up = np.sin(0.83 * turn + 3 * self.phase) + 0.5 * np.sin(2.3 * turn + self.phase)
        roll = np.sin(0.61 * turn + 5 * self.phase)
        return self.size * np.stack([sideways, up, 0.8 * roll], axis=1)


@dataclass(frozen=True, slots=True)
class Views:
    """Where a camera looks, at T times."""

    centres: Floats  # [T, 2] the picture's middle, in the scene
    zoom: Floats  # [T]
    roll: Floats  # [T] radians

    @staticmethod
    def fixed(count: int) -> "Views":
        """The views of a camera that never moves."""
        return Views(np.zeros((count, 2)), np.ones(count), np.zeros(count))

    def to_picture(self, x: Floats, y: Floats, nearness: float = 0.0) -> tuple[Floats, Floats]:
        """Map points of the scene to the picture. Things that are nearer than the scene pass by faster."""
        dx, dy = ((1 + nearness) * way for way in (x - self.centres[:, 0], y - self.centres[:, 1]))
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return self.zoom * (cos * dx + sin * dy), self.zoom * (cos * dy - sin * dx)


@dataclass(frozen=True, slots=True)
class FilmCamera:
    """A camera's motion: its own path, that of a thing it follows, and shake."""

    path: Path  # x and y of the picture's middle, and log zoom
    shake: Shake | None = None
    follows: Path | None = None  # its displacement is added to the camera's own path

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
