"""Products with weights, and what they need: a single row, and rows in eight bits. See `ops.py` and `fp8.py`."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _row_linear(
    x, weights, scales, bias, out, N, K,
    COLUMNS: tl.constexpr, BLOCK: tl.constexpr, SCALED: tl.constexpr, BIASED: tl.constexpr,
):  # fmt: skip
    """`COLUMNS` channels of the product of one row. Without matrix units: what takes time is to read the weights."""
    column, inner = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS), tl.arange(0, BLOCK)
    real = column < N
    place = weights + column[:, None].to(tl.int64) * K + inner[None, :]
    products = tl.zeros((COLUMNS, BLOCK), tl.float32)
    for begin in range(0, K, BLOCK):
        there = begin + inner < K
        w = tl.load(place + begin, mask=real[:, None] & there[None, :], other=0.0, eviction_policy="evict_first")
        products += w.to(tl.float32) * tl.load(x + begin + inner, mask=there, other=0.0).to(tl.float32)[None, :]
    summed = tl.sum(products, 1)
    if SCALED:
        summed *= tl.load(scales + column, mask=real, other=0.0)
    if BIASED:
        summed += tl.load(bias + column, mask=real, other=0.0).to(tl.float32)
    tl.store(out + column, summed.to(out.dtype.element_ty), mask=real)


def row_linear(x: Tensor, weights: Tensor, scales: Tensor | None, bias: Tensor | None) -> Tensor:
    """``[1, K]`` times ``[N, K]`` transposed, times ``[N, 1]``, plus ``[N]``."""
    n, k = weights.shape
    out = x.new_empty(1, n)
    columns, block = _row_blocks(n, eight_bits=scales is not None)
    _row_linear[(triton.cdiv(n, columns),)](
        x, weights, x if scales is None else scales, x if bias is None else bias, out, n, k,
        COLUMNS=columns, BLOCK=block, SCALED=scales is not None, BIASED=bias is not None, num_warps=4,
    )  # fmt: skip
    return out


def _row_blocks(channels: int, *, eight_bits: bool) -> tuple[int, int]:
    """How many channels and inputs a program takes at once: what was fastest on an H200 (docs/performance.md)."""
    if not eight_bits:
        return 8, 512
    return (16, 512) if channels >= 1 << 14 else (4, 1024)


@triton.jit
def _round_rows(x, values, scales, K, LARGEST: tl.constexpr, BLOCK: tl.constexpr):
    row, channel = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    inside = channel < K
    wide = tl.load(x + row * K + channel, mask=inside, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(wide)) / LARGEST, 1e-12)
    tl.store(values + row * K + channel, (wide / scale).to(values.dtype.element_ty), mask=inside)
    tl.store(scales + row, scale)


def round_rows(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """See `fp8.rounded`."""
    values, scales = torch.empty_like(x, dtype=dtype), x.new_empty(len(x), 1, dtype=torch.float32)
    size = x.shape[1]
    _round_rows[(len(x),)](
        x, values, scales, size, LARGEST=torch.finfo(dtype).max, BLOCK=triton.next_power_of_2(size), num_warps=8
    )
    return values, scales
