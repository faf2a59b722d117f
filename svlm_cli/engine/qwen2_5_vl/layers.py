"""What both networks are made of: normalisation, feed-forward and rotation. Knows no attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang and Sennrich 2019) over the last axis."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, hidden: Tensor) -> Tensor:
        # One kernel needs one dtype: under autocast the weight is still float32.
        return F.rms_norm(hidden, self.weight.shape, self.weight.to(hidden.dtype), self.eps)


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


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021), channel ``i`` paired with ``i + d / 2``.

    ``x`` is ``[..., H, d]``; ``cos`` and ``sin`` are `rotary_tables` for every row of ``x``, ``[..., 1, d]``.
    Computed in float32, returned in the dtype of ``x``.
    """
    first, second = x.chunk(2, dim=-1)
    partners = torch.cat((second, first), dim=-1)
    return torch.addcmul(x * cos, partners, sin).to(x.dtype)  # promoted to the float32 of the angles


def rotary_tables(angles: Tensor) -> tuple[Tensor, Tensor]:
    """Signed angles ``[..., d]`` float32, as `both_ways` orders them -> cosines and sines ``[..., 1, d]``."""
    angles = angles.unsqueeze(-2)
    return angles.cos(), angles.sin()


def both_ways(angles: Tensor) -> Tensor:
    """Angles of the ``d / 2`` pairs -> of all ``d`` channels.

    The first of a pair turns backwards, since a rotation is ``(a cos - b sin, b cos + a sin)``.
    """
    return torch.cat((-angles, angles), dim=-1)
