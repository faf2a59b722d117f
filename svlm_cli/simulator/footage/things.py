"""A thing in a shot: what it looks like, how it moves, and where it is in the picture at any time.

Knows its path and the camera's views; neither other things nor pixels.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.camera import Views
from svlm_cli.simulator.footage.path import Path
from svlm_cli.simulator.footage.silhouettes import COLOURS, PARTS, THERE, Figure, pose

Floats = NDArray[np.float64]

_MOMENT_S: Final = 0.15  # over which its speed is measured, which decides how far its limbs swing


@dataclass(frozen=True, slots=True)
class Skin:
    """The surface of a thing."""

    picture: tuple[float, float]  # draws, see `PictureBank.pick`
    corner: tuple[float, float]  # of the part of that picture, 0 to 1
    scale: float  # pixels of the bank per height of the thing
    colours: tuple[tuple[float, float, float], ...]  # 4, 0 to 255
    mixed: float  # from 0, the picture only, to 1, the colours only
    rim: float  # how much darker it is at its edge
    shadow: float  # how dark, 0 for none

    @property
    def numbers(self) -> Floats:
        """``[7]``: picture, corner, scale, rim and shadow."""
        return np.asarray([*self.picture, *self.corner, self.scale, self.rim, self.shadow])


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that stands or moves in a shot."""

    number: int  # within its shot
    kind: Figure
    path: Path  # its middle, and the logarithm of its height, in the scene
    skin: Skin
    shape: tuple[float, float, float, float]
    depth: float  # smaller is nearer
    width: float = 1.0  # horizontal stretch
    strides: float = 10.0  # phase of its steps in radians per picture width
    flaps_hz: float = 0.0  # of wings and the like, whether it moves or not
    stirs: float = 0.0  # how much it moves on the spot, 0 to 1
    stirs_hz: float = 0.5
    bends: float = 0.0  # how far its top sways, in its own heights
    stirs_from_s: float = 0.0
    stirs_until_s: float = np.inf
    nearness: float = 0.0  # how much nearer than the scene, and so how much faster it passes by
    lean: float = 0.0  # radians
    rolls: float = 0.0  # radians per picture width
    turns: bool = True  # faces where it goes; if not, it can move backwards
    printed: bool = False  # over the picture, whatever the camera does; not part of the scene

    def bodies(self, views: Views, times_s: Floats) -> "Bodies":
        """Where it is in the picture at these times; `views` are the camera's at the same times."""
        if self.printed:
            views = Views.fixed(len(times_s))
        places = self.path.at(times_s)
        x, y = views.to_picture(places[:, 0], places[:, 1], self.nearness)
        travelled = self.path.travelled(times_s)
        facing = self.path.facing(times_s if self.turns else np.zeros(len(times_s)))
        height = views.zoom * np.exp(places[:, 2])
        on = ((times_s >= self.stirs_from_s) & (times_s < self.stirs_until_s)).astype(float)
        stir = self.stirs * np.sin(2 * np.pi * self.stirs_hz * times_s + 6 * self.shape[3]) * on
        ways = (self.path.travelled(times_s + _MOMENT_S) - self.path.travelled(times_s - _MOMENT_S)) / (2 * _MOMENT_S)
        stride = np.clip(ways / np.exp(places[:, 2]) * 2.5, 0, 1)
        if self.flaps_hz:
            stride = np.maximum(stride, 0.6)
        phase = self.strides * travelled + 2 * np.pi * (self.flaps_hz * times_s + self.shape[2])
        return Bodies(
            x=x,
            y=y,
            height=height,
            width=height * self.width * facing,
            roll=views.roll + self.lean + self.rolls * travelled,
            bend=self.bends * np.sin(2 * np.pi * self.stirs_hz * times_s + 3 * self.shape[1]) * on,
            parts=pose(self.kind, self.shape, phase, stride, stir),
            depth=self.depth - (places[:, 2] - self.path.log_size),
        )

    def colours(self) -> Floats:
        """``[PARTS, 4]``: for each part red, green, blue and the weight of this colour over the bank's picture."""
        colours = np.zeros((PARTS, 4))
        for part, colour in enumerate(COLOURS[self.kind]):
            mixed = self.skin.mixed if colour == 0 else max(self.skin.mixed, 0.25 * colour)
            colours[part] = (*self.skin.colours[colour], mixed)
        return colours


@dataclass(frozen=True, slots=True)
class Bodies:
    """One thing in the picture at T times, in picture widths from the middle, x to the right and y down."""

    x: Floats  # [T]
    y: Floats  # [T]
    height: Floats  # [T]
    width: Floats  # [T] of one of its own units; negative if it faces left
    roll: Floats  # [T]
    bend: Floats  # [T] displacement of its top, in its own heights
    parts: Floats  # [T, PARTS, 6]
    depth: Floats  # [T]

    def points(self, own_x: Floats, own_y: Floats) -> tuple[Floats, Floats]:
        """Map points ``[T, n]`` from its own coordinates to the picture."""
        across = (own_x + self.bend[:, None] * (own_y + 0.5) ** 2) * self.width[:, None]
        down = -own_y * self.height[:, None]
        cos, sin = np.cos(self.roll)[:, None], np.sin(self.roll)[:, None]
        return self.x[:, None] + cos * across + sin * down, self.y[:, None] + cos * down - sin * across

    def own(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Map points ``[T, n]`` from the picture to its own coordinates."""
        du, dv = u - self.x[:, None], v - self.y[:, None]
        cos, sin = np.cos(self.roll)[:, None], np.sin(self.roll)[:, None]
        own_y = -(cos * dv + sin * du) / self.height[:, None]
        own_x = (cos * du - sin * dv) / self.width[:, None]
        return own_x - self.bend[:, None] * (own_y + 0.5) ** 2, own_y

    def at(self, times: NDArray[np.int64]) -> "Bodies":
        """The body at some of the times."""
        return Bodies(*(getattr(self, field.name)[times] for field in fields(Bodies)))

    def reach(self) -> Floats:
        """``[T, 4]``: left, top, right and bottom of its bounding box, from those of its parts."""
        x, y, angle, half, thick = (self.parts[:, :, column] for column in range(5))
        cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
        # A rounded box extends further than an ellipse, at most to its corners.
        across, up = cos * half + sin * thick, sin * half + cos * thick
        there = (x < THERE)[:, :, None]
        own_x = np.stack([x - across, x - across, x + across, x + across], axis=2)
        own_y = np.stack([y - up, y + up, y - up, y + up], axis=2)
        u, v = self.points(own_x.reshape(len(x), -1), own_y.reshape(len(x), -1))
        u, v = u.reshape(own_x.shape), v.reshape(own_x.shape)
        return np.stack(
            [
                np.where(there, u, np.inf).min(axis=(1, 2)),
                np.where(there, v, np.inf).min(axis=(1, 2)),
                np.where(there, u, -np.inf).max(axis=(1, 2)),
                np.where(there, v, -np.inf).max(axis=(1, 2)),
            ],
            axis=1,
        )
