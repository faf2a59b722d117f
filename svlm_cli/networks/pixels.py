"""`Preprocessor`: how a family turns pictures into the input of its vision tower. Knows no file and no frame rate."""

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.core.types import Picture
from svlm_cli.networks.family import Grid

_NEARLY: Final = 0.05  # 16:9 and 9:5 differ by less: no bars for that


def bars(height: int, width: int, aspect: float) -> tuple[int, int, int, int]:
    """The black bars of `framed` around a picture: left, right, top and bottom, in pixels."""
    own = width / height
    if not aspect or abs(own / aspect - 1) <= _NEARLY:
        return 0, 0, 0, 0
    across, down = (round(height * aspect) - width, 0) if own < aspect else (0, round(width / aspect) - height)
    return across // 2, across - across // 2, down // 2, down - down // 2


def learned_size(pixels: int, aspect: float) -> tuple[int, int]:
    """Height and width of a picture of so many pixels with that aspect ratio (width / height)."""
    return round(math.sqrt(pixels / aspect)), round(math.sqrt(pixels * aspect))


def framed(picture: Picture, aspect: float) -> Picture:
    """The picture in the middle of a black one with that aspect ratio (width / height), unless its own is near it.

    For models that have learned one grid of tokens only. 0 leaves every picture as it is.
    """
    height, width = picture.shape[:2]
    left, right, top, bottom = bars(height, width, aspect)
    return np.pad(picture, ((top, bottom), (left, right), (0, 0))) if left + right + top + bottom else picture


class Preprocessor(Protocol):
    """Turns uint8 RGB pictures into patches. Pictures are resized to a whole number of tokens."""

    temporal_patch_size: int  # frames

    def target_size(self, height: int, width: int, *, min_pixels: int, max_pixels: int) -> tuple[int, int]:
        """Height and width to resize to. Raises `InputError` for an unusable picture."""
        ...

    def grid(self, frames: int, height: int, width: int) -> Grid:
        """The grid, in patches, of `frames` frames of a size from `target_size`."""
        ...

    def merged_grid(self, frames: int, height: int, width: int) -> Grid:
        """The same, in tokens."""
        ...

    def whole_steps(self, frames: Sequence[Picture]) -> tuple[Picture, ...]:
        """The frames of one chunk, with the last one repeated to fill whole temporal steps."""
        ...

    def resize(self, frames: Sequence[Picture], height: int, width: int, device: torch.device) -> Tensor:
        """Pictures ``[H, W, 3]``, of possibly different sizes -> uint8 ``[T, 3, height, width]`` on ``device``."""
        ...

    def to_patches(self, pixels: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Grid]:
        """uint8 ``[T, 3, H, W]``, whole temporal steps and tokens -> the input of `Network.look`."""
        ...

    def patches(
        self, frames: Sequence[Picture], height: int, width: int, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, Grid]:
        """All steps for the frames of one chunk: one patch per row, and their grid."""
        ...


def bicubic(pixels: Tensor, height: int, width: int) -> Tensor:
    """uint8 ``[T, 3, H, W]`` -> uint8 ``[T, 3, height, width]``, first horizontally, then vertically.

    That is the order of torch, and of Pillow up to 12, with which checkpoints were trained (Pillow 13 sometimes swaps
    it for speed).
    """
    if pixels.shape[2:] == (height, width):
        return pixels
    if pixels.device.type == "cpu":
        return F.interpolate(pixels, size=(height, width), mode="bicubic", antialias=True)
    return _bicubic_floats(pixels, height, width)


def _bicubic_floats(pixels: Tensor, height: int, width: int) -> Tensor:
    """The same where torch only resizes floats. Integers are rounded after each pass, so these are too."""
    values = pixels.to(torch.float32, memory_format=torch.contiguous_format)
    for size in ((pixels.shape[2], width), (height, width)):
        values = F.interpolate(values, size=size, mode="bicubic", antialias=True).round_().clamp_(0, 255)
    return values.to(torch.uint8)
