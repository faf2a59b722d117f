"""Pictures of the simulated world as they never are in training: where does a model that knows no others break?

Pure functions on pictures ``[N, H, W, 3]``, RGB, uint8. Knows neither matches nor models.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture

HUE_DEGREES: Final = 30.0
GAIN: Final = 1.3
_WIDE: Final = 16 / 9
_LUMA: Final = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


class Altered(StrEnum):
    """What is done to them."""

    HUE = "hue"
    BRIGHT = "bright"
    GREY = "grey"
    ROTATED = "rotated"
    LETTERBOXED = "letterboxed"


def alter(pictures: Picture, how: Altered | None) -> Picture:
    """As `how` says, if it does. Rotated and letterboxed ones have another size."""
    return pictures if how is None else _WAYS[how](pictures)


def _hue(pictures: Picture) -> Picture:
    """Colours turned around the axis of greys, so that red becomes more yellow."""
    angle = np.deg2rad(HUE_DEGREES)
    along = (1 - np.cos(angle)) / 3
    across = np.sqrt(1 / 3) * np.sin(angle)
    first = np.array([np.cos(angle) + along, along - across, along + across])
    return _linear(pictures, np.stack([np.roll(first, turn) for turn in range(3)]))


def _bright(pictures: Picture) -> Picture:
    return _linear(pictures, GAIN * np.eye(3))


def _grey(pictures: Picture) -> Picture:
    return _linear(pictures, np.tile(_LUMA, (3, 1)))


def _rotated(pictures: Picture) -> Picture:
    """A quarter turn, counter-clockwise."""
    return np.ascontiguousarray(np.rot90(pictures, axes=(1, 2)))


def _letterboxed(pictures: Picture) -> Picture:
    """Black above and below, until the picture is as high as one of 16:9."""
    height, width = pictures.shape[1:3]
    missing = max(round(width / _WIDE) - height, 0)
    return np.pad(pictures, ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0)))


def _linear(pictures: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Each colour multiplied by `matrix`, in whole numbers from 0 to 255."""
    return np.rint(pictures @ matrix.T).clip(0, 255).astype(np.uint8)


_WAYS: Final[dict[Altered, Callable[[Picture], Picture]]] = {
    Altered.HUE: _hue,
    Altered.BRIGHT: _bright,
    Altered.GREY: _grey,
    Altered.ROTATED: _rotated,
    Altered.LETTERBOXED: _letterboxed,
}
