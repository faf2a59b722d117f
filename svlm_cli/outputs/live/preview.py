"""A picture as half blocks: each terminal cell shows two pixels, one above the other.

Emits plain escape codes: Rich's segments would be ten times as slow.
"""

from enum import Enum
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture

_SAMPLES = 2  # per side of a shown pixel: with one, thin lines would flicker
_BLOCK = "▀".encode()
_FIGURES = np.array([list(f"{value:03}".encode()) for value in range(256)], dtype=np.uint8)
_SHADES = " .:-=+*#%@"
_CUBE_LEVELS = np.array([0, 95, 135, 175, 215, 255])  # of the 256-colour palette


class Paint(Enum):
    """How a terminal can show a picture."""

    TRUE_COLOUR = "true colour"
    COLOURS_256 = "256 colours"
    SHADES = "characters, lighter and darker"  # colour is off, or there are only eight


def fit(columns: int, rows: int, picture: tuple[int, int]) -> tuple[int, int]:
    """The largest (columns, rows) for a picture of (height, width) at its aspect ratio; a cell is 1 x 2 pixels."""
    height, width = picture
    scale = min(columns / width, 2 * rows / height)
    return max(1, min(columns, round(width * scale))), max(1, min(rows, round(height * scale / 2)))


def shrink(picture: Picture, columns: int, rows: int) -> Picture:
    """The pixels to show, ``[2 * rows, columns, 3]``, each the mean of a few samples inside it."""
    height, width, _ = picture.shape
    samples = picture.reshape(-1, 3).take(_places(height, width, columns, rows), axis=0)
    mean: Picture = (samples.sum(axis=0, dtype=np.uint16) // len(samples)).astype(np.uint8)
    return mean


@lru_cache(maxsize=32)
def _places(height: int, width: int, columns: int, rows: int) -> NDArray[np.intp]:
    """Flat indices of the sampled pixels: ``[samples, 2 * rows, columns]``."""
    down, across = 2 * rows * _SAMPLES, columns * _SAMPLES
    ys = ((np.arange(down) + 0.5) * height / down).astype(np.intp)
    xs = ((np.arange(across) + 0.5) * width / across).astype(np.intp)
    places = (ys[:, np.newaxis] * width + xs).reshape(2 * rows, _SAMPLES, columns, _SAMPLES)
    return places.transpose(1, 3, 0, 2).reshape(-1, 2 * rows, columns)


class Preview:
    """A picture as cells; its escape codes are computed once."""

    def __init__(self, picture: Picture, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.pixels = shrink(picture, columns, rows)

    def ansi(self, paint: Paint) -> list[str]:
        """One string of escape codes per row."""
        match paint:
            case Paint.TRUE_COLOUR:
                return self._true_colour
            case Paint.COLOURS_256:
                return self._colours_256
            case Paint.SHADES:
                return self._shades

    @cached_property
    def _true_colour(self) -> list[str]:
        values = np.concatenate((self.pixels[::2], self.pixels[1::2]), axis=2)
        return _coloured("\x1b[38;2;###;###;###;48;2;###;###;###m", values)

    @cached_property
    def _colours_256(self) -> list[str]:
        codes = colours_256(self.pixels)
        return _coloured("\x1b[38;5;###;48;5;###m", np.stack((codes[::2], codes[1::2]), axis=2))

    @cached_property
    def _shades(self) -> list[str]:
        light = self.pixels @ np.array([0.299, 0.587, 0.114])
        cells = (light[::2] + light[1::2]) / 2
        steps = np.minimum((cells / 256 * len(_SHADES)).astype(int), len(_SHADES) - 1)
        return ["".join(_SHADES[step] for step in row) for row in steps.tolist()]


def _coloured(code: str, values: NDArray[np.uint8]) -> list[str]:
    """Half blocks, each after `code` with ### replaced by the numbers in `values`, ``[rows, columns, numbers]``.

    A cell equal to the one before it needs no code. Vectorised over all cells, one byte per element: a loop would take
    six times as long.
    """
    template = np.frombuffer(code.encode() + _BLOCK, dtype=np.uint8)
    places = [index for index in range(len(code)) if code.startswith("###", index)]
    rows, columns, _ = values.shape
    cells = np.tile(template, (rows, columns, 1))
    for figure, place in enumerate(places):
        cells[:, :, place : place + 3] = _FIGURES[values[:, :, figure]]
    kept = np.ones(cells.shape, dtype=bool)
    kept[:, 1:, : len(code)] = (values[:, 1:] != values[:, :-1]).any(axis=2)[:, :, np.newaxis]
    return [row[keep].tobytes().decode() + "\x1b[0m" for row, keep in zip(cells, kept, strict=True)]


def colours_256(pixels: Picture) -> Picture:
    """The nearest of the 216 colours of the cube, ``[..., 3]`` to ``[...]``."""
    borders = (_CUBE_LEVELS[1:] + _CUBE_LEVELS[:-1] + 1) // 2
    levels = np.searchsorted(borders, pixels, side="right")
    codes: Picture = (16 + levels @ np.array([36, 6, 1])).astype(np.uint8)
    return codes
