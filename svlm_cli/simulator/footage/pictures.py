"""A bank of pictures: what lies behind things and what their skin is made of.

Photos are given as arrays by whoever reads files; textures come from a seed. Knows no file and nothing that is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.textures import make_texture

HEIGHT: Final = 320  # of each picture of the bank; a view shows half of it or so, and moves
WIDTH: Final = 512
_SHARE_OF_PHOTOS: Final = 0.8  # of what is shown, where there are photos: they are what the world looks like
_CELL: Final = 32  # pixels of the bank
_CONTRAST: Final = 6.0  # of 255, within a cell: less is lost in the grain
_SHARE_OF_CELLS: Final = 0.5
_ORDINARY: Final = (0.36, 0.58)  # brightness on average, of 1


@dataclass(frozen=True, slots=True, eq=False)
class PictureBank:
    """Textures first, then photos. Draw many footages from one bank: it can be large."""

    pixels: Picture  # [P, HEIGHT, WIDTH, 3]
    textures: int  # how many of them are textures
    lively: NDArray[np.bool_]  # [P] whether it is seen when the camera moves over it; a plain wall is not

    def __post_init__(self) -> None:
        assert self.pixels.shape[1:] == (HEIGHT, WIDTH, 3), "pictures of a bank are of one size"
        assert 0 < self.textures <= len(self), "a bank has textures"

    def __len__(self) -> int:
        return len(self.pixels)

    @staticmethod
    def make(photos: Sequence[Picture] = (), *, seed: int = 0, textures: int = 48) -> "PictureBank":
        """A bank of this many textures and of all photos, uint8 ``[H, W, 3]`` of any size, cut and resized to one.

        ValueError: a photo is something else.
        """
        for photo in photos:
            if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or min(photo.shape[:2]) < 2:
                raise ValueError(f"A photo is uint8 [H, W, 3], not {photo.dtype} {list(photo.shape)}.")
        rng = np.random.default_rng([seed, 77])
        made = [make_texture(rng, HEIGHT, WIDTH) for _ in range(textures)]
        pixels = np.stack([_evened(one) for one in (*made, *map(_fitted, photos))])
        return PictureBank(pixels, textures, np.asarray([_is_lively(picture) for picture in pixels]))

    def pick(self, draws: NDArray[np.float32], lively: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Numbers of pictures for pairs of draws, each 0 to 1, ``[N, 2]``: photo or texture, and which.

        Where `lively`, one on which a camera's motion is seen. So a world does not depend on the bank with which it is
        drawn, and its log holds for any.
        """
        numbers = np.empty(len(draws), np.int64)
        every = np.arange(len(self))
        for wanted in (False, True):
            fit = every[self.lively] if wanted and self.lively.any() else every
            photos, textures = fit[fit >= self.textures], fit[fit < self.textures]
            share = _SHARE_OF_PHOTOS if len(photos) and len(textures) else 2.0 if len(photos) else 0.0
            of_photos = draws[:, 0] < share
            for pool, rows in ((photos, of_photos), (textures, ~of_photos)):
                at = np.flatnonzero((lively == wanted) & rows)
                if len(at):
                    which = (draws[at, 1].astype(np.float64) * len(pool)).astype(np.int64)
                    numbers[at] = pool[np.minimum(which, len(pool) - 1)]
        return numbers


def _is_lively(picture: Picture) -> bool:
    """Whether most parts of it have something to hold on to."""
    grey = picture.mean(axis=2).reshape(HEIGHT // _CELL, _CELL, WIDTH // _CELL, _CELL)
    return bool((grey.std(axis=(1, 3)) > _CONTRAST).mean() > _SHARE_OF_CELLS)


def _evened(picture: Picture) -> Picture:
    """With ordinary brightness on average: how light or dark it is, is the world's to say, and in its log."""
    least, most = _ORDINARY
    mean = float(np.clip(picture.mean() / 255, 1e-3, 0.999))
    power = np.clip(np.log(np.clip(mean, least, most)) / np.log(mean), 0.35, 2.5)
    table = (np.arange(256) / 255) ** power
    mean = float(table[picture].mean())
    if mean > most:  # nearly white: no power darkens that
        table *= most / mean
    elif mean < least:
        table += least - mean
    evened: Picture = np.rint(255 * np.clip(table, 0, 1)).astype(np.uint8)[picture]
    return evened


def _fitted(photo: Picture) -> Picture:
    """The middle of a photo in the bank's shape, each pixel the mean of what it covers."""
    height, width = photo.shape[:2]
    scale = min(height / HEIGHT, width / WIDTH)
    tall, wide = scale * HEIGHT, scale * WIDTH
    rows = _resized(photo.astype(np.float32), (height - tall) / 2, tall, HEIGHT)
    both = _resized(rows.transpose(1, 0, 2), (width - wide) / 2, wide, WIDTH).transpose(1, 0, 2)
    return np.clip(np.rint(both), 0, 255).astype(np.uint8)


def _resized(pixels: NDArray[np.float32], start: float, length: float, size: int) -> NDArray[np.float32]:
    """`size` rows out of `length` rows from `start` on: means where it shrinks, else interpolated."""
    step = length / size
    taps = max(1, round(step))
    total = np.zeros((size, *pixels.shape[1:]), np.float32)
    for tap in range(taps):
        centres = np.clip(start + (np.arange(size) + (tap + 0.5) / taps) * step - 0.5, 0, len(pixels) - 1)
        low = np.minimum(centres.astype(int), len(pixels) - 2)
        share = (centres - low).astype(np.float32)[:, None, None]
        total += pixels[low] * (1 - share) + pixels[low + 1] * share
    return (total / taps).astype(np.float32)
