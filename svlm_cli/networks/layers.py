"""Layers that families share: normalisation, feed-forward, and activation checkpointing. Knows no attention."""

from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang and Sennrich 2019) over the last axis."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, hidden: Tensor) -> Tensor:
        # The kernel needs equal dtypes, but under autocast the weight is still float32.
        return F.rms_norm(hidden, self.weight.shape, self.weight.to(hidden.dtype), self.eps)


class CheckpointingLayer(nn.Module):
    """A layer that can drop its activations and recompute them in the backward pass (Chen et al. 2016).

    If nothing in it is trained, not even its inputs are kept.
    """

    checkpointing = False

    def __call__(self, *values: Any) -> Any:
        if self.checkpointing and torch.is_grad_enabled() and self._learns_from(values):
            return checkpoint(super().__call__, *values, use_reentrant=False)
        return super().__call__(*values)

    def _learns_from(self, values: tuple[Any, ...]) -> bool:
        tensors = chain((value for value in values if isinstance(value, Tensor)), self.parameters())
        return any(tensor.requires_grad for tensor in tensors)


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020): ``down(silu(gate(x)) * up(x))``."""

    def __init__(self, size: int, inner_size: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size, inner_size, bias=bias)
        self.up_proj = nn.Linear(size, inner_size, bias=bias)
        self.down_proj = nn.Linear(inner_size, size, bias=bias)

    def forward(self, hidden: Tensor) -> Tensor:
        down: Tensor = self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return down
