"""Matrix products of a single row, and rows quantised to fp8. See `ops.py` and `fp8.py`."""

import torch
import triton
import triton.language as tl
from torch import Tensor

_MANY = 1 << 14  # channels: this many programs hide each other's latency without prefetching
_LEAST_ROWS = 64  # for 33 and fewer, cuBLAS lacks an fp8 product for some shapes


@triton.jit
def _block(place, begin, inner, real, K):
    mask = real[:, None] & (begin + inner < K)[None, :]
    return tl.load(place + begin, mask=mask, other=0.0, eviction_policy="evict_first")


@triton.jit
def _row(x, begin, inner, K):
    return tl.load(x + begin + inner, mask=begin + inner < K, other=0.0).to(tl.float32)[None, :]


@triton.jit
def _summed(block, row, COLUMNS: tl.constexpr, BLOCK: tl.constexpr, EACH: tl.constexpr):
    """Sum `EACH` neighbouring products within one thread: registers not used for sums hold loads in flight."""
    return tl.sum(tl.reshape(block.to(tl.float32) * row, (COLUMNS, BLOCK // EACH, EACH)), 2)


@triton.jit
def _row_linear(
    x, weights, scales, bias, out, N, K,
    COLUMNS: tl.constexpr, BLOCK: tl.constexpr, EACH: tl.constexpr,
    SCALED: tl.constexpr, BIASED: tl.constexpr, AHEAD: tl.constexpr,
):  # fmt: skip
    """`COLUMNS` channels of the product of one row. Not on tensor cores, as it is bound by reading the weights.

    `AHEAD` prefetches one block.
    """
    column, inner = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS), tl.arange(0, BLOCK)
    real = column < N
    place = weights + column[:, None].to(tl.int64) * K + inner[None, :]
    sums = tl.zeros((COLUMNS, BLOCK // EACH), tl.float32)
    if AHEAD:
        block = _block(place, 0, inner, real, K)
        for begin in range(0, K, BLOCK):
            next_block = _block(place, begin + BLOCK, inner, real, K)
            sums += _summed(block, _row(x, begin, inner, K), COLUMNS, BLOCK, EACH)
            block = next_block
    else:
        for begin in range(0, K, BLOCK):
            sums += _summed(_block(place, begin, inner, real, K), _row(x, begin, inner, K), COLUMNS, BLOCK, EACH)
    product = tl.sum(sums, 1)
    if SCALED:
        product *= tl.load(scales + column, mask=real, other=0.0)
    if BIASED:
        product += tl.load(bias + column, mask=real, other=0.0).to(tl.float32)
    tl.store(out + column, product.to(out.dtype.element_ty), mask=real)


def row_linear(x: Tensor, weights: Tensor, scales: Tensor | None, bias: Tensor | None) -> Tensor:
    """``[1, K]`` times ``[N, K]`` transposed, times ``[N, 1]``, plus ``[N]``."""
    n, k = weights.shape
    out = x.new_empty(1, n)
    columns, block, ahead = _blocks(n, k, weights.element_size())
    _row_linear[(triton.cdiv(n, columns),)](
        x, weights, x if scales is None else scales, x if bias is None else bias, out, n, k,
        COLUMNS=columns, BLOCK=block, EACH=_at_once(weights),
        SCALED=scales is not None, BIASED=bias is not None, AHEAD=ahead, num_warps=4,
    )  # fmt: skip
    return out


def _blocks(channels: int, inputs: int, bytes_each: int) -> tuple[int, int, bool]:
    """Channels and inputs per block, and whether to prefetch: the fastest on an H200 (docs/performance.md)."""
    if channels >= _MANY:
        return 8, 512, False
    if bytes_each == 1:
        return 4, 2048, False
    return 4, 1024 if inputs >= channels else 512, True


def _at_once(weights: Tensor) -> int:
    """The number of weights that a thread loads at once: 16 bytes."""
    return 16 // weights.element_size()


@triton.jit
def _row_gated(
    x, weights, scales, out, N, K,
    COLUMNS: tl.constexpr, BLOCK: tl.constexpr, EACH: tl.constexpr, SCALED: tl.constexpr,
):  # fmt: skip
    """Like `_row_linear`, for gate and up projections together."""
    column, inner = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS), tl.arange(0, BLOCK)
    real = column < N
    place = weights + column[:, None].to(tl.int64) * K + inner[None, :]
    gates, ups = tl.zeros((COLUMNS, BLOCK // EACH), tl.float32), tl.zeros((COLUMNS, BLOCK // EACH), tl.float32)
    for begin in range(0, K, BLOCK):
        gate_block = _block(place, begin, inner, real, K)
        up_block = _block(place + N.to(tl.int64) * K, begin, inner, real, K)
        row = _row(x, begin, inner, K)
        gates += _summed(gate_block, row, COLUMNS, BLOCK, EACH)
        ups += _summed(up_block, row, COLUMNS, BLOCK, EACH)
    gate, up = tl.sum(gates, 1), tl.sum(ups, 1)
    if SCALED:
        gate *= tl.load(scales + column, mask=real, other=0.0)
        up *= tl.load(scales + N + column, mask=real, other=0.0)
    tl.store(out + column, (gate * tl.sigmoid(gate) * up).to(out.dtype.element_ty), mask=real)


def row_gated(x: Tensor, weights: Tensor, scales: Tensor | None) -> Tensor:
    """See `ops.gated_linear`, for one row ``[1, K]``."""
    n, k = len(weights) // 2, weights.shape[1]
    out = x.new_empty(1, n)
    columns = 8 if weights.element_size() == 1 else 4  # the fastest, as in `_blocks`
    _row_gated[(triton.cdiv(n, columns),)](
        x, weights, x if scales is None else scales, out, n, k,
        COLUMNS=columns, BLOCK=512, EACH=_at_once(weights), SCALED=scales is not None, num_warps=4,
    )  # fmt: skip
    return out


@triton.jit
def _quantise_rows(x, values, scales, K, LARGEST: tl.constexpr, BLOCK: tl.constexpr):
    row, channel = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    inside = channel < K
    wide = tl.load(x + row * K + channel, mask=inside, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(wide)) / LARGEST, 1e-12)
    tl.store(values + row * K + channel, (wide / scale).to(values.dtype.element_ty), mask=inside)
    tl.store(scales + row, scale)


def quantise_rows(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """See `fp8.quantise_rows`. Few rows are padded with uninitialised ones."""
    rows, size = max(len(x), _LEAST_ROWS), x.shape[1]
    values, scales = x.new_empty(rows, size, dtype=dtype), x.new_empty(rows, 1, dtype=torch.float32)
    _quantise_rows[(len(x),)](
        x, values, scales, size, LARGEST=torch.finfo(dtype).max, BLOCK=triton.next_power_of_2(size), num_warps=8
    )
    return values, scales
