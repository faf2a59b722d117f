"""Weights in eight bits: half the memory of bfloat16, and half of what a decoding step has to read.

Each output channel has a scale of its own. Few rows multiply with weights that are widened on the way, so that only
weights are rounded; many rows are rounded to eight bits as well, which matrix units multiply twice as fast. Knows no
network.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

FORMAT: Final = torch.float8_e4m3fn
LARGEST: Final = torch.finfo(FORMAT).max
FEW_ROWS: Final = 64  # up to here, reading the weights takes longer than multiplying


@dataclass(frozen=True, slots=True, eq=False)
class Fp8Weight:
    """``values * scales``: ``[N, K]`` in `FORMAT`, ``[N, 1]`` float32."""

    values: Tensor
    scales: Tensor

    def widened(self, dtype: torch.dtype) -> Tensor:
        """The weight as it is multiplied with."""
        return (self.values.float() * self.scales).to(dtype)


def quantise(weight: Tensor) -> Fp8Weight:
    """``[N, K]`` to eight bits, each row by its largest value."""
    values, scales = _rounded(weight)
    return Fp8Weight(values, scales)


def linear(x: Tensor, weight: Fp8Weight, bias: Tensor | None = None) -> Tensor:
    """``[M, K]`` times ``[N, K]`` transposed, plus ``[N]``."""
    if not x.is_cuda:
        return F.linear(x, weight.widened(x.dtype), bias)
    if len(x) <= FEW_ROWS:
        from svlm_cli.engine import kernels

        return kernels.fp8_linear(x, weight.values, weight.scales, bias)
    rounded, scales = _rounded(x)
    product: Tensor = torch._scaled_mm(  # noqa: SLF001 - it has no public name yet
        rounded, weight.values.t(), scales, weight.scales.t(), out_dtype=x.dtype
    )
    return product if bias is None else product + bias


def _rounded(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Each row in `FORMAT`, and by what it was divided for that."""
    wide = rows.float()
    scales = (wide.abs().amax(dim=1, keepdim=True) / LARGEST).clamp_(min=1e-12)
    return (wide / scales).to(FORMAT), scales
