"""What things are made of: ellipses and boxes that bend and swing, a few for each kind of thing.

In its own coordinates a thing has height 1, its middle is the origin, x points where it faces, and y points up. Knows
neither places, skins nor pixels.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PARTS: Final = 10  # per thing, at most
THERE: Final = 100.0  # unused parts are farther away than this
_FAR: Final = 1e3  # where unused parts are


class Figure(StrEnum):
    """What a thing looks like from a distance."""

    BLOB = "blob"
    BOX = "box"
    ELLIPSE = "ellipse"
    WALKER = "walker"
    QUADRUPED = "quadruped"
    BIRD = "bird"
    VEHICLE = "vehicle"
    BUST = "bust"  # head and shoulders
    ARM = "arm"  # reaches in from outside the picture


# For each part, the index of its colour among the thing's four.
COLOURS: Final = {
    Figure.BLOB: (0, 0, 0, 1, 1, 0),
    Figure.BOX: (0, 1),
    Figure.ELLIPSE: (0, 1),
    Figure.WALKER: (0, 1, 1, 1, 1, 1, 0, 0, 2, 2),
    Figure.QUADRUPED: (0, 0, 0, 0, 1, 0, 0, 0),
    Figure.BIRD: (1, 0, 0, 0, 1),
    Figure.VEHICLE: (0, 0, 2, 2, 3, 3, 1),
    Figure.BUST: (0, 1, 3, 2, 2),
    Figure.ARM: (0, 2, 2, 2, 2, 2, 1),
}


def pose(kind: Figure, shape: Sequence[float], phase: Floats, stride: Floats, stir: Floats) -> Floats:
    """``[T, PARTS, 6]``: centre x and y, angle, half length, half width, and shape from ellipse (0) to box (1).

    Args:
        kind: The kind of thing.
        shape: Four numbers from 0 to 1 that tell it from others of its kind.
        phase: ``[T]`` of its steps or wingbeats, in radians.
        stride: ``[T]`` how far it swings its limbs, 0 to 1.
        stir: ``[T]`` its motion on the spot, -1 to 1.
    """
    match kind:
        case Figure.WALKER:
            parts = _walker(shape, phase, stride, stir)
        case Figure.QUADRUPED:
            parts = _quadruped(shape, phase, stride, stir)
        case Figure.BIRD:
            parts = _bird(shape, phase, stride, stir)
        case Figure.VEHICLE:
            parts = _vehicle(shape)
        case Figure.BUST:
            parts = _bust(shape, stir)
        case Figure.ARM:
            parts = _arm(shape, stir)
        case Figure.BLOB:
            parts = _blob(shape, phase, stride, stir)
        case _:
            square = 0.0 if kind is Figure.ELLIPSE else 1.0
            wide = 0.3 + 0.6 * shape[0]
            mark = (0.4 * wide * (shape[1] - 0.5), 0.5 * (shape[2] - 0.5), 0.0, 0.4 * wide, 0.15, square)
            parts = [(0.0, 0.0, 0.0, wide, 0.5, square), mark]
    posed = np.zeros((len(phase), PARTS, 6))
    posed[:, :, 0], posed[:, :, 3:5] = _FAR, 1.0
    for number, part in enumerate(parts):
        for column, value in enumerate(part):
            posed[:, number, column] = value
    return posed


_Part = tuple[Floats | float, ...]


def _limb(x: Floats | float, y: Floats | float, angle: Floats | float, length: float, thick: float) -> _Part:
    """A limb from a joint: an angle of 0 hangs down, a positive angle points forwards."""
    middle = length / 2
    across, down = np.sin(angle), np.cos(angle)
    return x + middle * across, y - middle * down, np.asarray(angle) - np.pi / 2, middle + thick / 2, thick, 0.3


def _leg(hip: tuple[float, float], swing: Floats, bend: Floats, length: float, thick: float) -> list[_Part]:
    """Thigh and shin."""
    x, y = hip
    half = length / 2
    knee = (x + half * np.sin(swing), y - half * np.cos(swing))
    return [_limb(x, y, swing, half, thick), _limb(*knee, swing - bend, half, thick * 0.8)]


def _walker(shape: Sequence[float], phase: Floats, stride: Floats, stir: Floats) -> list[_Part]:
    stout = 0.7 + 0.8 * shape[0]
    swing = 0.55 * stride * np.sin(phase)
    bends = [0.15 * stride + 0.8 * stride * np.maximum(0, np.cos(phase + turn)) for turn in (0, np.pi)]
    hip, shoulder = (0.0, -0.02), (0.0, 0.29)
    lean = 0.06 * stride
    raised = 0.5 * stir * (1 + shape[1])
    far = _leg(hip, -swing, bends[1], 0.47, 0.045 * stout)
    near = _leg(hip, swing, bends[0], 0.47, 0.05 * stout)
    arm = _leg(shoulder, -swing + raised + shape[2] * np.abs(raised), -0.3 - 0.5 * np.abs(raised), 0.4, 0.03 * stout)
    return [
        _limb(*shoulder, swing, 0.36, 0.03 * stout),
        *far,
        *near,
        (0.0, 0.0, 0.0, 0.085 * stout, 0.07, 0.3),
        (0.5 * lean, 0.15, np.pi / 2, 0.19, 0.1 * stout, 0.45),
        arm[0],
        arm[1],
        (lean + 0.01 * stir, 0.42, np.pi / 2, 0.08, 0.062, 0.0),
    ]


def _quadruped(shape: Sequence[float], phase: Floats, stride: Floats, stir: Floats) -> list[_Part]:
    long, thick = 0.45 + 0.25 * shape[0], 0.13 + 0.1 * shape[1]
    swings = [0.6 * stride * np.sin(phase + turn) for turn in (0.0, np.pi, 0.6, np.pi + 0.6)]
    joints = (-long * 0.8, -long * 0.7, long * 0.75, long * 0.85)
    legs = [_limb(x, 0.0, swing, 0.44, 0.05) for x, swing in zip(joints, swings, strict=True)]
    nod = 0.06 * stir + 0.03 * stride * np.sin(2 * phase)
    head = 0.2 + 0.15 * shape[2]
    return [
        *legs[:2],
        *legs[2:3],
        _limb(-long, 0.12, -1.2 + 0.7 * stir, 0.4, 0.03),
        legs[3],
        (0.0, 0.08 + 0.02 * stride * np.sin(2 * phase), 0.0, long * 1.1, thick, 0.3),
        (long, 0.2 + nod / 2, 0.9, 0.2, 0.09, 0.2),
        (long * 1.2 + 0.1, head + nod, -0.3, 0.2, 0.1, 0.2),
    ]


def _bird(shape: Sequence[float], phase: Floats, stride: Floats, stir: Floats) -> list[_Part]:
    beat = (0.35 + 0.65 * stride) * np.sin(phase) + 0.2 * stir
    long = 0.45 + 0.25 * shape[0]
    wings = [_limb(0.05, 0.05, np.pi / 2 * side + beat * side, long, 0.1) for side in (-1, 1)]
    return [
        wings[0],
        (-0.45, 0.0, 0.1, 0.22, 0.06, 0.5),
        (0.0, 0.0, 0.1, 0.42, 0.15, 0.0),
        (0.42, 0.1, 0.0, 0.13, 0.11, 0.0),
        wings[1],
    ]


def _vehicle(shape: Sequence[float]) -> list[_Part]:
    long, tall = 0.9 + 0.7 * shape[0], 0.2 + 0.25 * shape[1]
    cabin = long * (0.45 + 0.4 * shape[2])
    wheel = 0.14
    back = -0.12 * long * shape[3]
    return [
        (back, 0.5 - tall * 0.8, 0.0, cabin, tall * 0.8, 0.8),
        (0.0, -0.08, 0.0, long, 0.28, 1.0),
        (back + cabin * 0.45, 0.5 - tall * 0.75, 0.0, cabin * 0.35, tall * 0.4, 1.0),
        (back - cabin * 0.4, 0.5 - tall * 0.75, 0.0, cabin * 0.35, tall * 0.4, 1.0),
        (-long * 0.62, -0.36, 0.0, wheel, wheel, 0.0),
        (long * 0.62, -0.36, 0.0, wheel, wheel, 0.0),
        (long * 0.93, -0.02, 0.0, 0.05, 0.06, 0.5),
    ]


def _bust(shape: Sequence[float], stir: Floats) -> list[_Part]:
    nod, wide = 0.05 * stir, 0.4 + 0.15 * shape[0]
    return [
        (0.0, -0.5, 0.0, wide, 0.38, 0.4),
        (nod * 0.5, -0.12, np.pi / 2, 0.2, 0.1, 0.5),
        (nod, 0.2, np.pi / 2 - nod, 0.3, 0.23, 0.1),
        (nod * 1.3 + 0.02, 0.14 - 0.1 * nod, np.pi / 2 - nod, 0.26, 0.19, 0.1),
        (nod * 1.5 + 0.05, 0.02, 0.0, 0.06, 0.012 + 0.02 * np.abs(stir), 0.2),
    ]


def _arm(shape: Sequence[float], stir: Floats) -> list[_Part]:
    """A sleeve, a hand, and perhaps an object in it."""
    fingers = [
        _limb(0.45, 0.2 - 0.12 * number, np.pi / 2 + 0.3 * stir * (1 + 0.3 * number) + 0.15 * (1 - number), 0.4, 0.07)
        for number in range(4)
    ]
    return [
        (-3.6, 0.0, 0.0, 3.6, 0.3 + 0.15 * shape[0], 0.9),
        (0.2, 0.0, 0.2 * stir, 0.4, 0.27, 0.4),
        *fingers,
        (0.85, -0.1 + 0.1 * stir, 0.5 * shape[1], 0.1 + 0.3 * shape[2], 0.1 + 0.35 * shape[3], 0.7),
    ]


def _blob(shape: Sequence[float], phase: Floats, stride: Floats, stir: Floats) -> list[_Part]:
    parts: list[_Part] = []
    for number in range(6):
        around = number * 1.05 + 3 * shape[number % 4]
        wave = 0.06 * (stride * np.sin(phase + 2 * number) + stir * np.cos(1.7 * number))
        far = (0.1 + 0.16 * shape[(number + 1) % 4]) + wave
        parts.append((far * np.cos(around), far * np.sin(around), around, 0.24 + wave, 0.2 + 0.08 * shape[0], 0.1))
    return parts
