"""Step 2: pictures to patches, each of them a token."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.core.types import Picture
from svlm_cli.networks.family import Grid

SIDE = 10  # pixels of a token


class ToyPreprocessor:
    """A `Preprocessor`."""

    temporal_patch_size = 1

    def target_size(self, height: int, width: int, *, min_pixels: int, max_pixels: int) -> tuple[int, int]:
        scale = min(math.sqrt(max_pixels / (height * width)), 1.0)
        return tuple(max(math.floor(side * scale / SIDE), 1) * SIDE for side in (height, width))  # type: ignore[return-value]

    def grid(self, frames: int, height: int, width: int) -> Grid:
        return frames, height // SIDE, width // SIDE

    def merged_grid(self, frames: int, height: int, width: int) -> Grid:
        return self.grid(frames, height, width)

    def whole_steps(self, frames: Sequence[Picture]) -> tuple[Picture, ...]:
        return tuple(frames)

    def resize(self, frames: Sequence[Picture], height: int, width: int, device: torch.device) -> Tensor:
        tensors = [torch.from_numpy(frame).to(device).permute(2, 0, 1)[None].float() for frame in frames]
        return torch.cat([F.interpolate(one, (height, width)) for one in tensors]).to(torch.uint8)

    def to_patches(self, pixels: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Grid]:
        grid = self.grid(len(pixels), *pixels.shape[2:])
        frames, rows, columns = grid
        apart = (pixels.to(dtype) / 255).view(frames, 3, rows, SIDE, columns, SIDE)
        return apart.permute(0, 2, 4, 1, 3, 5).reshape(frames * rows * columns, -1), grid

    def patches(
        self, frames: Sequence[Picture], height: int, width: int, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, Grid]:
        return self.to_patches(self.resize(frames, height, width, device), dtype=dtype)
