"""The vision tower: patches of frame pairs -> one feature per token.

Most blocks attend within windows of ``window_size`` pixels, a few over a whole frame pair; frame pairs never see each
other. All windows (or all frame pairs) of a call share one attention call, whatever their sizes. Knows no pixels other
than patches, no text and no time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svlm_cli.compute.rotary import both_ways, rotary_tables, rotate
from svlm_cli.compute.segments import Segments
from svlm_cli.networks.family import Grid
from svlm_cli.networks.layers import CheckpointingLayer, FeedForward, RMSNorm
from svlm_cli.networks.qwen2_5_vl.config import VISION_ROPE_THETA, VisionConfig

NORM_EPS: Final = 1e-6  # the same in every release
_LAYOUTS_KEPT = 64


@dataclass(frozen=True, slots=True)
class PatchLayout:
    """The layout of a list of grids. A token is ``spatial_merge_size`` squared patches; ``N`` counts patches."""

    order: Tensor  # [tokens] the token at each place, window by window
    inverse: Tensor  # [tokens] the place of each token
    cos: Tensor  # [N, 1, d] float32, in that order
    sin: Tensor
    windows: Segments
    frames: Segments

    @classmethod
    def of(cls, grids: Sequence[Grid], config: VisionConfig, device: torch.device) -> "PatchLayout":
        """Computed on the CPU, then moved to ``device``."""
        parts = [_frame_layout(height, width, config) for _, height, width in grids]
        orders, offset = [], 0
        for (pairs, _, _), (order, _, _) in zip(grids, parts, strict=True):
            orders.append((offset + len(order) * torch.arange(pairs)[:, None] + order).flatten())
            offset += pairs * len(order)
        order = torch.cat(orders)
        angles = torch.cat([angle.repeat(grid[0], 1) for grid, (_, angle, _) in zip(grids, parts, strict=True)])
        cos, sin = rotary_tables(both_ways(angles))
        windows = torch.cat([lengths.repeat(grid[0]) for grid, (_, _, lengths) in zip(grids, parts, strict=True)])
        frames = torch.cat([torch.full((pairs,), height * width) for pairs, height, width in grids])
        return cls(
            order=order.to(device),
            inverse=order.argsort().to(device),
            cos=cos.to(device),
            sin=sin.to(device),
            windows=Segments.of(windows, device),
            frames=Segments.of(frames, device),
        )


def _frame_layout(height: int, width: int, config: VisionConfig) -> tuple[Tensor, Tensor, Tensor]:
    """For one frame pair: tokens in window order, angles ``[N, d / 2]`` in that order, patches per window."""
    merge = config.spatial_merge_size
    side = config.window_size // merge // config.patch_size  # in tokens
    assert height % merge == width % merge == 0, "sides are whole tokens"
    rows, columns = height // merge, width // merge
    y = torch.arange(rows).repeat_interleave(columns)
    x = torch.arange(columns).repeat(rows)
    window = (y // side) * -(-columns // side) + x // side
    order = window.argsort(stable=True)
    inner = torch.arange(merge)
    patch_y = (merge * y[order, None] + inner.repeat_interleave(merge)).flatten()
    patch_x = (merge * x[order, None] + inner.repeat(merge)).flatten()
    half = config.head_dim // 2  # the first half of the pairs rotates by h, the second by w
    frequencies = 1.0 / VISION_ROPE_THETA ** (torch.arange(0, half, 2, dtype=torch.float32) / half)
    angles = torch.cat((patch_y[:, None] * frequencies, patch_x[:, None] * frequencies), dim=-1)
    return order, angles, window.bincount() * merge**2


class VisionTower(nn.Module):
    """Its state dict has the published names (below ``visual.``)."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = _PatchEmbed(config)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.depth))
        self.merger = _Merger(config)
        self._layouts: OrderedDict[tuple[tuple[Grid, ...], torch.device], PatchLayout] = OrderedDict()

    def forward(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        """Patches ``[N, C * T * P * P]`` of all grids in order -> features ``[N / merge^2, D_out]``, in raster order.

        Patches are ordered token by token, as `Preprocessor` returns them.
        """
        assert len(patches) == sum(pairs * height * width for pairs, height, width in grids), "patches fill the grids"
        layout = self.layout(grids, patches.device)
        hidden = self.in_windows(self.patch_embed(patches), layout)
        for index, block in enumerate(self.blocks):
            whole = index in self.config.fullatt_block_indexes
            hidden = block(hidden, layout.cos, layout.sin, layout.frames if whole else layout.windows)
        features: Tensor = self.merger(hidden).index_select(0, layout.inverse)
        return features

    @staticmethod
    def in_windows(hidden: Tensor, layout: PatchLayout) -> Tensor:
        """``[N, D]`` in input order -> ``[N, D]`` in window order."""
        return hidden.view(len(layout.order), -1).index_select(0, layout.order).view(len(hidden), -1)

    def layout(self, grids: Sequence[Grid], device: torch.device) -> PatchLayout:
        """The layout of these grids, cached for later calls with the same grids."""
        # Merge adjacent grids of equal size into one with more frame pairs, so that any mix of streams shares a cache
        # entry.
        joined = tuple(
            (sum(pairs for pairs, _, _ in group), *size) for size, group in groupby(grids, key=lambda grid: grid[1:])
        )
        key = (joined, device)
        if key not in self._layouts:
            with torch.inference_mode(False):  # cached for later calls, which may need gradients
                self._layouts[key] = PatchLayout.of(joined, self.config, device)
            if len(self._layouts) > _LAYOUTS_KEPT:
                self._layouts.popitem(last=False)
        self._layouts.move_to_end(key)
        return self._layouts[key]


class _PatchEmbed(nn.Module):
    """A convolution whose stride equals its kernel size: one matrix product over flattened patches."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        kernel = (config.temporal_patch_size, config.patch_size, config.patch_size)
        self.proj = nn.Conv3d(config.in_channels, config.hidden_size, kernel, stride=kernel, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        return F.linear(patches.to(self.proj.weight.dtype), self.proj.weight.flatten(1))


class _Block(CheckpointingLayer):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, NORM_EPS)
        self.attn = _Attention(config)
        self.norm2 = RMSNorm(config.hidden_size, NORM_EPS)
        self.mlp = FeedForward(config.hidden_size, config.intermediate_size, bias=True)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, segments: Segments) -> Tensor:
        hidden = hidden + self.attn(self.norm1(hidden), cos, sin, segments)
        output: Tensor = hidden + self.mlp(self.norm2(hidden))
        return output


class _Attention(nn.Module):
    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.num_heads, config.head_dim
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, segments: Segments) -> Tensor:
        # [N, 3 * H, d]; queries and keys are rotated alike, so together
        query_key, value = (
            self.qkv(hidden).unflatten(-1, (-1, self.head_dim)).split((2 * self.heads, self.heads), dim=1)
        )
        query, key = rotate(query_key, cos, sin).chunk(2, dim=1)
        output: Tensor = self.proj(segments.attend(query, key, value))
        return output


class _Merger(nn.Module):
    """Projects the concatenated patches of a token to the language model's width."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.inner_size = config.hidden_size * config.spatial_merge_size**2
        self.ln_q = RMSNorm(config.hidden_size, NORM_EPS)
        self.mlp = nn.Sequential(
            nn.Linear(self.inner_size, self.inner_size),
            nn.GELU(),
            nn.Linear(self.inner_size, config.out_hidden_size),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return self.merge(self.ln_q(hidden))

    def merge(self, normed: Tensor) -> Tensor:
        """``[N, D]`` after the norm -> ``[N / merge^2, D_out]``."""
        merged: Tensor = self.mlp(normed.view(-1, self.inner_size))
        return merged
