"""Pictures to patches: size rule, bicubic resizing, normalisation, patch order.

Matches transformers' Pillow-based image processor, on any device and without Pillow. Knows no files, no frame rate, and
no pixel limits other than its arguments.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

import torch
from torch import Tensor

from svlm_cli.checkpoints.fields import Fields, of_file
from svlm_cli.core.bounds import Within, require_within
from svlm_cli.core.errors import InputError, ModelError
from svlm_cli.core.types import Picture
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import bicubic
from svlm_cli.networks.qwen2_5_vl.config import VisionConfig

_BICUBIC = 3  # Pillow's number for it
_MOST_ELONGATED = 200
_HINT = "Use the preprocessor_config.json that the checkpoint was published with."


@dataclass(frozen=True, slots=True)
class PixelConfig:
    """The pixel settings in a checkpoint's ``preprocessor_config.json``."""

    image_mean: Annotated[tuple[float, float, float], Within(-1000, 1000)]
    image_std: Annotated[tuple[float, float, float], Within(0.0001, 1000)]
    patch_size: Annotated[int, Within(1, 128)]  # pixels
    merge_size: Annotated[int, Within(1, 16)]  # patches per side of a token
    temporal_patch_size: Annotated[int, Within(1, 16)]  # frames

    def __post_init__(self) -> None:
        require_within(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "PixelConfig":
        """Read and check them. Raises `ModelError` naming the field that is missing, wrong or not supported."""
        fields = Fields(raw)
        with of_file("preprocessor_config.json", _HINT):
            for name in ("do_convert_rgb", "do_normalize", "do_rescale", "do_resize"):
                fields.expect(name, True)
            fields.expect("resample", _BICUBIC)
            fields.expect("rescale_factor", 1 / 255)
            return cls(
                fields.three_numbers("image_mean"),
                fields.three_numbers("image_std"),
                *map(fields.size, ("patch_size", "merge_size", "temporal_patch_size")),
            )


class QwenPreprocessor:
    """Turns uint8 RGB pictures into the input of the vision tower."""

    def __init__(self, config: PixelConfig) -> None:
        self.config = config
        self.temporal_patch_size = config.temporal_patch_size
        self._unit = config.patch_size * config.merge_size  # side of a token in pixels
        mean, std = (
            torch.tensor(values, device="cpu").view(3, 1, 1) for values in (config.image_mean, config.image_std)
        )
        self._tables = {torch.device("cpu"): (1 / (255 * std), -mean / std)}

    def require_fit(self, vision: VisionConfig) -> None:
        """`ModelError` unless the vision tower uses the same patch sizes."""
        config = self.config
        ours = config.patch_size, config.merge_size, config.temporal_patch_size
        theirs = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
        if ours != theirs:
            raise ModelError(
                f"preprocessor_config.json has patches of {ours} (pixels, patches a side, frames), "
                f"and config.json of {theirs}.",
                _HINT,
            )

    def target_size(self, height: int, width: int, *, min_pixels: int, max_pixels: int) -> tuple[int, int]:
        """Height and width to resize to: whole tokens, within the limits, with nearly the same aspect ratio.

        transformers' rule for Qwen2-VL. Limits count the pixels of one frame. Raises `InputError` for a picture without
        pixels, or with an aspect ratio above 200.
        """
        if min(height, width) < 1 or max(height, width) > _MOST_ELONGATED * min(height, width):
            raise InputError(
                f"A picture of {width} x {height} pixels cannot be shown to the model.",
                f"Its longer side must be at most {_MOST_ELONGATED} times the shorter one.",
            )
        unit = self._unit
        new_height, new_width = round(height / unit) * unit, round(width / unit) * unit
        if new_height * new_width > max_pixels:
            shrink = math.sqrt(height * width / max_pixels)
            new_height = max(unit, math.floor(height / shrink / unit) * unit)
            new_width = max(unit, math.floor(width / shrink / unit) * unit)
        elif new_height * new_width < min_pixels:
            grow = math.sqrt(min_pixels / (height * width))
            new_height = math.ceil(height * grow / unit) * unit
            new_width = math.ceil(width * grow / unit) * unit
        return new_height, new_width

    def grid(self, frames: int, height: int, width: int) -> Grid:
        """The grid of `frames` frames of a size from `target_size`: frame pairs, patches down, patches across."""
        size = self.config.patch_size
        return math.ceil(frames / self.temporal_patch_size), height // size, width // size

    def merged_grid(self, frames: int, height: int, width: int) -> Grid:
        """The same, in tokens."""
        pairs, rows, columns = self.grid(frames, height, width)
        return pairs, rows // self.config.merge_size, columns // self.config.merge_size

    def resize(self, frames: Sequence[Picture], height: int, width: int, device: torch.device) -> Tensor:
        """Pictures ``[H, W, 3]``, of possibly different sizes -> uint8 ``[T, 3, height, width]`` on ``device``."""
        resized = []
        for _, group in groupby(frames, key=lambda frame: frame.shape):
            stack = _stacked(tuple(group), device).to(device, non_blocking=True)
            resized.append(bicubic(stack.permute(0, 3, 1, 2), height, width))
        return torch.cat(resized)

    def patches(
        self, frames: Sequence[Picture], height: int, width: int, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, Grid]:
        """Patches ``[N, C * T * P * P]`` and their grid; ``height`` and ``width`` come from `target_size`.

        The last frame is repeated if their number is odd. Patches are ordered token by token.
        """
        return self.to_patches(self.resize(self.whole_steps(frames), height, width, device), dtype=dtype)

    def whole_steps(self, frames: Sequence[Picture]) -> tuple[Picture, ...]:
        """The frames of one chunk, the last one repeated if their number is odd, so that chunks can be concatenated."""
        return (*frames, *[frames[-1]] * (-len(frames) % self.temporal_patch_size))

    def to_patches(self, pixels: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Grid]:
        """uint8 ``[T, 3, H, W]`` -> patches and grid; T is whole frame pairs, H and W are whole tokens."""
        config = self.config
        scale, shift = self._normalisation(pixels.device)
        pairs, rows, columns = self.grid(len(pixels), *pixels.shape[2:])
        pixels = torch.addcmul(shift, pixels.float(), scale).to(dtype)
        merge, size = config.merge_size, config.patch_size
        # [pairs, T, C, token row, row in token, y, token column, column in token, x]
        pixels = pixels.view(
            pairs, config.temporal_patch_size, 3, rows // merge, merge, size, columns // merge, merge, size
        )
        patches = pixels.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(pairs * rows * columns, -1)
        return patches, (pairs, rows, columns)

    def _normalisation(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if device not in self._tables:
            scale, shift = self._tables[torch.device("cpu")]
            self._tables[device] = (scale.to(device), shift.to(device))
        return self._tables[device]


def _stacked(frames: Sequence[Picture], device: torch.device) -> Tensor:
    """``[T, H, W, 3]`` on the host; for a GPU in pinned memory, which it copies asynchronously."""
    shape, pinned = (len(frames), *frames[0].shape), device.type == "cuda"
    stack = torch.empty(shape, dtype=torch.uint8, device="cpu", pin_memory=pinned)
    pictures = stack.numpy()
    for index, frame in enumerate(frames):
        pictures[index] = frame
    return stack
