"""`Preprocessor`: how a family turns pictures into the input of its vision tower. Knows no file and no frame rate."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from svlm_cli.core.types import Picture
from svlm_cli.networks.family import Grid


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
