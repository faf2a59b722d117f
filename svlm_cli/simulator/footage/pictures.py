"""A bank of pictures: backgrounds, sharp and out of focus, and the textures of things.

The caller passes photos as arrays; patterns are made from a seed. Knows neither files nor scenes.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.textures import make_texture

HEIGHT: Final = 320  # of each picture of the bank; a view shows about half of it, and moves
WIDTH: Final = 512
_SHARE_OF_PHOTOS: Final = 0.8  # share of photos in what is shown, if there are any: they look like the real world
_CELL: Final = 32  # pixels of the bank
_CONTRAST: Final = 6.0  # out of 255, within a cell; less is lost in the grain
_CALM: Final = 0.55
_SHARE_OF_CELLS: Final = 0.5
_ORDINARY: Final = (0.36, 0.58)  # mean brightness, out of 1
_SOFT: Final = 8  # pixels of the bank whose mean is all that is left out of focus


@dataclass(frozen=True, slots=True, eq=False)
class PictureBank:
    """Textures, then photos, then all of them again, out of focus. Share one bank among footages: it can be large."""

    pixels: Picture  # [2 P, HEIGHT, WIDTH, 3]
    textures: int  # how many of the P are textures
    lively: NDArray[np.bool_]  # [2 P] whether a moving camera shows on it; on a plain wall it does not

    def __post_init__(self) -> None:
        assert self.pixels.shape[1:] == (HEIGHT, WIDTH, 3), "pictures of a bank have one size"
        assert len(self.pixels) == len(self.lively) == 2 * len(self), "each picture is there twice"
        assert 0 < self.textures <= len(self), "a bank has textures"

    def __len__(self) -> int:
        """How many pictures there are, P."""
        return len(self.pixels) // 2

    @staticmethod
    def make(photos: Sequence[Picture] = (), *, seed: int = 0, textures: int = 48) -> "PictureBank":
        """A bank of that many textures and of all photos, uint8 ``[H, W, 3]`` of any size, cropped and resized.

        Raises `ValueError` if a photo is anything else.
        """
        for photo in photos:
            if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or min(photo.shape[:2]) < 2:
                raise ValueError(f"A photo is uint8 [H, W, 3], not {photo.dtype} {list(photo.shape)}.")
        rng = np.random.default_rng([seed, 77])
        made = [_calmed(make_texture(rng, HEIGHT, WIDTH)) for _ in range(textures)]
        sharp = [_evened(one) for one in (*made, *map(_fitted, photos))]
        pixels = np.stack([*sharp, *map(_soft, sharp)])
        return PictureBank(pixels, textures, np.asarray([_is_lively(picture) for picture in pixels]))

    def pick(self, draws: NDArray[np.float32], lively: NDArray[np.bool_], soft: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Indices of pictures for pairs of random numbers, ``[N, 2]``, 0 to 1: photo or texture, and which.

        Where `lively`, a picture on which the camera's motion is visible, and where `soft`, one that is out of focus,
        as far as the bank has any. So a world does not depend on the bank with which it is drawn, and its log is true
        with any bank.
        """
        numbers = np.empty(len(draws), np.int64)
        for is_lively, is_soft in itertools.product((False, True), repeat=2):
            fit = self._fit(is_lively, is_soft)
            photos, textures = fit[fit % len(self) >= self.textures], fit[fit % len(self) < self.textures]
            share = _SHARE_OF_PHOTOS if len(photos) and len(textures) else 2.0 if len(photos) else 0.0
            of_photos = draws[:, 0] < share
            for pool, rows in ((photos, of_photos), (textures, ~of_photos)):
                at = np.flatnonzero((lively == is_lively) & (soft == is_soft) & rows)
                if len(at):
                    which = (draws[at, 1].astype(np.float64) * len(pool)).astype(np.int64)
                    numbers[at] = pool[np.minimum(which, len(pool) - 1)]
        return numbers

    def _fit(self, lively: bool, soft: bool) -> NDArray[np.int64]:
        """The pictures that may be picked."""
        every = np.arange(len(self)) + soft * len(self)
        fit = every[self.lively[every]] if lively else every
        if len(fit):
            return fit
        return self._fit(lively, soft=False) if soft else every


def _is_lively(picture: Picture) -> bool:
    """Whether most of a picture has enough contrast to show the camera's motion."""
    grey = picture.mean(axis=2).reshape(HEIGHT // _CELL, _CELL, WIDTH // _CELL, _CELL)
    return bool((grey.std(axis=(1, 3)) > _CONTRAST).mean() > _SHARE_OF_CELLS)


def _calmed(texture: Picture) -> Picture:
    """With the contrast of ordinary surfaces: on glaring patterns nobody could see what moves."""
    mean = texture.mean(axis=(0, 1))
    calmed: Picture = np.rint(mean + _CALM * (texture - mean)).astype(np.uint8)
    return calmed


def _evened(picture: Picture) -> Picture:
    """Bring a picture to an ordinary mean brightness: the world decides how bright a shot is, and logs it."""
    least, most = _ORDINARY
    mean = float(np.clip(picture.mean() / 255, 1e-3, 0.999))
    power = np.clip(np.log(np.clip(mean, least, most)) / np.log(mean), 0.35, 2.5)
    table = (np.arange(256) / 255) ** power
    mean = float(table[picture].mean())
    if mean > most:  # nearly white, where a power has no effect
        table *= most / mean
    elif mean < least:
        table += least - mean
    evened: Picture = np.rint(255 * np.clip(table, 0, 1)).astype(np.uint8)[picture]
    return evened


def _soft(picture: Picture) -> Picture:
    """The picture out of focus."""
    small = picture.reshape(HEIGHT // _SOFT, _SOFT, WIDTH // _SOFT, _SOFT, 3).mean(axis=(1, 3), dtype=np.float32)
    return _filling(small, HEIGHT // _SOFT, WIDTH // _SOFT)


def _fitted(photo: Picture) -> Picture:
    """Crop the middle of a photo to the bank's shape and resize it; each pixel is the mean of its area."""
    height, width = photo.shape[:2]
    scale = min(height / HEIGHT, width / WIDTH)
    return _filling(photo.astype(np.float32), scale * HEIGHT, scale * WIDTH)


def _filling(pixels: NDArray[np.float32], tall: float, wide: float) -> Picture:
    """The middle of some pixels, `tall` and `wide`, resized to the bank's size."""
    height, width = pixels.shape[:2]
    rows = _resized(pixels, (height - tall) / 2, tall, HEIGHT)
    both = _resized(rows.transpose(1, 0, 2), (width - wide) / 2, wide, WIDTH).transpose(1, 0, 2)
    return np.clip(np.rint(both), 0, 255).astype(np.uint8)


def _resized(pixels: NDArray[np.float32], start: float, length: float, size: int) -> NDArray[np.float32]:
    """Resample `length` rows from `start` to `size` rows: means when it shrinks, else interpolation."""
    step = length / size
    taps = max(1, round(step))
    total = np.zeros((size, *pixels.shape[1:]), np.float32)
    for tap in range(taps):
        centres = np.clip(start + (np.arange(size) + (tap + 0.5) / taps) * step - 0.5, 0, len(pixels) - 1)
        low = np.minimum(centres.astype(int), len(pixels) - 2)
        share = (centres - low).astype(np.float32)[:, None, None]
        total += pixels[low] * (1 - share) + pixels[low + 1] * share
    return (total / taps).astype(np.float32)
