"""The vision tower for streaming: the network's own weights, with fewer and larger operations.

The gate and up projections come from one matrix product; `ops.py` computes what lies between products. Tested against
the network itself, which training uses. Knows no pixels and no stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svlm_cli.compute.flash import Lengths, packed
from svlm_cli.compute.graphs import Graphs
from svlm_cli.compute.ops import add_rms_norm, rotate_heads, silu_mul
from svlm_cli.compute.segments import Segments
from svlm_cli.networks.family import Grid
from svlm_cli.networks.qwen2_5_vl.vision import NORM_EPS, PatchLayout, VisionTower

_FEW_PATCHES = 8192  # above this, running the kernels takes longer than launching them
_MOST_RECORDED = 8  # input sizes; each recording holds memory


@dataclass(frozen=True, slots=True)
class _Block:
    """Weights of one block. The network's feed-forward parameters are views of them."""

    norm1: Tensor
    qkv: nn.Linear
    proj: nn.Linear
    norm2: Tensor
    gate_up: Tensor
    gate_up_bias: Tensor
    down: Tensor
    down_bias: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """The input and output buffers of a recording, kept alive with it because it refers to their addresses."""

    layout: PatchLayout
    patches: Tensor
    features: Tensor


class QwenFusedVision:
    """`VisionTower.forward`, on the weights of a tower that is no longer trained."""

    def __init__(self, tower: VisionTower, graphs: Graphs) -> None:
        """Place weights that are used together side by side; the network still works, on the same memory."""
        self._graphs = graphs
        self._places: dict[tuple[Grid, ...], _Place] = {}
        self._tower, self._heads = tower, tower.config.num_heads
        inner = tower.config.aligned_intermediate_size
        self._blocks = [_block(module, inner) for module in tower.blocks]
        self._packed = packed(tower.merger.ln_q.weight.device, tower.merger.ln_q.weight.dtype)

    def __call__(self, patches: Tensor, grids: Sequence[Grid], /) -> Tensor:
        """See `Network.look`."""
        return self._features(patches, grids)[None]

    def _features(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        key = tuple(grids)
        recorded = key in self._places or len(self._places) < _MOST_RECORDED
        if not self._graphs.enabled or len(patches) > _FEW_PATCHES or not recorded:
            return self._forward(patches, self._tower.layout(grids, patches.device))
        if key not in self._places:
            layout = self._tower.layout(grids, patches.device)
            features = patches.new_empty(len(layout.order), self._tower.config.out_hidden_size)
            self._places[key] = _Place(layout, torch.empty_like(patches), features)
        place = self._places[key]
        place.patches.copy_(patches)
        self._graphs.run(key, lambda: place.features.copy_(self._forward(place.patches, place.layout)))
        return place.features.clone()

    def _forward(self, patches: Tensor, layout: PatchLayout) -> Tensor:
        tower = self._tower
        hidden = tower.in_windows(tower.patch_embed(patches), layout)
        branch: Tensor | None = None
        for index, block in enumerate(self._blocks):
            segments = layout.frames if index in tower.config.fullatt_block_indexes else layout.windows
            qkv = block.qkv(add_rms_norm(branch, hidden, block.norm1, NORM_EPS))
            rotate_heads(qkv, layout.cos, layout.sin)
            branch = block.proj(self._attend(qkv, segments))
            normed = add_rms_norm(branch, hidden, block.norm2, NORM_EPS)
            product = silu_mul(F.linear(normed, block.gate_up, block.gate_up_bias))
            branch = F.linear(product, block.down, block.down_bias)
        merger = tower.merger
        features: Tensor = merger.merge(add_rms_norm(branch, hidden, merger.ln_q.weight, NORM_EPS))
        return features.index_select(0, layout.inverse)

    def _attend(self, qkv: Tensor, segments: Segments) -> Tensor:
        """``[N, 3 H d]``, rotated -> ``[N, H d]``."""
        query, key, value = qkv.view(len(qkv), 3, self._heads, -1).unbind(1)
        if self._packed is None:
            return segments.attend(query, key, value)
        return self._packed(query, key, value, Lengths(segments.starts, segments.longest)).flatten(1)


@torch.no_grad()
def _block(module: Any, inner: int) -> _Block:  # torch types submodules loosely
    """Pad the inner size to `inner`: the added channels are 0 throughout."""
    mlp = module.mlp
    size, width = mlp.gate_proj.weight.shape
    gate_up, gate_up_bias = mlp.gate_proj.weight.new_zeros(2 * inner, width), mlp.gate_proj.bias.new_zeros(2 * inner)
    down = mlp.down_proj.weight.new_zeros(width, inner)
    for parameter, place in (
        (mlp.gate_proj.weight, gate_up[:size]),
        (mlp.gate_proj.bias, gate_up_bias[:size]),
        (mlp.up_proj.weight, gate_up[inner : inner + size]),
        (mlp.up_proj.bias, gate_up_bias[inner : inner + size]),
        (mlp.down_proj.weight, down[:, :size]),
    ):
        place.copy_(parameter)
        parameter.data = place
    return _Block(
        norm1=module.norm1.weight,
        qkv=module.attn.qkv,
        proj=module.attn.proj,
        norm2=module.norm2.weight,
        gate_up=gate_up,
        gate_up_bias=gate_up_bias,
        down=down,
        down_bias=mlp.down_proj.bias,
    )
