"""Weights in fp8: half the memory of bfloat16, and half the memory traffic of a decode step.

Each output channel has a scale. With several rows of activations these are quantised too, because tensor cores multiply
fp8 twice as fast; for a single row see `ops.linear`. Knows no network.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

FORMAT: Final = torch.float8_e4m3fn
LARGEST: Final = torch.finfo(FORMAT).max


@dataclass(frozen=True, slots=True, eq=False)
class Fp8Weight:
    """``values * scales``: ``[N, K]`` in `FORMAT`, ``[N, 1]`` float32."""

    values: Tensor
    scales: Tensor

    def dequantised(self, dtype: torch.dtype) -> Tensor:
        """The weight in `dtype`."""
        return (self.values.float() * self.scales).to(dtype)

    def matmul(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """``[M, K]`` times ``[N, K]`` transposed, plus ``[N]``."""
        if not x.is_cuda:
            return F.linear(x, self.dequantised(x.dtype), bias)
        from svlm_cli.compute.kernels import products

        values, scales = products.quantise_rows(x, FORMAT)
        product = torch._scaled_mm(  # noqa: SLF001 - there is no public name yet
            values, self.values.t(), scales, self.scales.t(), bias, out_dtype=x.dtype, use_fast_accum=True
        )
        return product[: len(x)]


def quantise(weight: Tensor) -> Fp8Weight:
    """A weight ``[N, K]`` in fp8, each row scaled by its largest value."""
    return Fp8Weight(*quantise_rows(weight))


def quantise_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows ``[K]`` in `FORMAT`, and the scales to multiply by, ``[N, 1]`` float32."""
    rows = rows.float()
    scales = (rows.abs().amax(dim=1, keepdim=True) / LARGEST).clamp_(min=1e-12)
    return (rows / scales).to(FORMAT), scales
