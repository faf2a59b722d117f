"""`Preprocessor`: how a family turns pictures into what its vision tower reads. Knows no file and no frame rate."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from svlm_cli.core.types import Picture
from svlm_cli.networks.family import Grid


class Preprocessor(Protocol):
    """uint8 RGB pictures to patches. A picture of any size is resized to whole tokens."""

    temporal_patch_size: int  # frames

    def target_size(self, height: int, width: int, *, min_pixels: int, max_pixels: int) -> tuple[int, int]:
        """Height and width to resize to. Raises `InputError` for a picture that cannot be shown."""
        ...

    def grid(self, frames: int, height: int, width: int) -> Grid:
        """Of so many frames of a size from `target_size`, in patches."""
        ...

    def merged_grid(self, frames: int, height: int, width: int) -> Grid:
        """The same in tokens."""
        ...

    def whole_steps(self, frames: Sequence[Picture]) -> tuple[Picture, ...]:
        """The frames of one chunk, the last one repeated until they fill whole steps in time."""
        ...

    def resize(self, frames: Sequence[Picture], height: int, width: int, device: torch.device) -> Tensor:
        """Pictures ``[H, W, 3]``, of possibly different sizes -> uint8 ``[T, 3, height, width]`` on ``device``."""
        ...

    def to_patches(self, pixels: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Grid]:
        """uint8 ``[T, 3, H, W]`` of whole steps and whole tokens -> what `Network.look` takes."""
        ...

    def patches(
        self, frames: Sequence[Picture], height: int, width: int, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, Grid]:
        """All of it for the frames of one chunk: a patch a row, and their grid."""
        ...
