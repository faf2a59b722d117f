"""Alters pictures of the simulated world in ways that training never shows, to see where a model breaks.

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
    """A kind of alteration."""

    HUE = "hue"
    BRIGHT = "bright"
    GREY = "grey"
    ROTATED = "rotated"
    LETTERBOXED = "letterboxed"


def alter(pictures: Picture, how: Altered | None) -> Picture:
    """Apply `how`, if it is not None. Rotating and letterboxing change the size."""
    return pictures if how is None else _WAYS[how](pictures)


def _hue(pictures: Picture) -> Picture:
    """Rotate colours around the grey axis, so that red becomes more yellow."""
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
    """Rotate by 90 degrees counter-clockwise."""
    return np.ascontiguousarray(np.rot90(pictures, axes=(1, 2)))


def _letterboxed(pictures: Picture) -> Picture:
    """Add black bars above and below, up to the height of a 16:9 picture."""
    height, width = pictures.shape[1:3]
    missing = max(round(width / _WIDE) - height, 0)
    return np.pad(pictures, ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0)))


def _linear(pictures: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Multiply each colour by `matrix`, rounded and clipped to 0 to 255."""
    return np.rint(pictures @ matrix.T).clip(0, 255).astype(np.uint8)


_WAYS: Final[dict[Altered, Callable[[Picture], Picture]]] = {
    Altered.HUE: _hue,
    Altered.BRIGHT: _bright,
    Altered.GREY: _grey,
    Altered.ROTATED: _rotated,
    Altered.LETTERBOXED: _letterboxed,
}
