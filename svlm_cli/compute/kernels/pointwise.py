"""Norms, gates, rotation and penalties, row by row. See `ops.py`."""

import torch
import triton
import triton.language as tl
from torch import Tensor

_NORM_WARPS = 8


@triton.jit
def _add_rms_norm(branch, stream, weight, normed, eps, D: tl.constexpr, BLOCK: tl.constexpr, ADDS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * D
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    scale = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    x = tl.load(stream + row + columns, mask=inside, other=0.0)
    if ADDS:
        x = (x.to(tl.float32) + tl.load(branch + row + columns, mask=inside, other=0.0).to(tl.float32)).to(x.dtype)
        tl.store(stream + row + columns, x, mask=inside)
    wide = x.to(tl.float32)
    wide = wide * tl.rsqrt(tl.sum(wide * wide) / D + eps)
    tl.store(normed + row + columns, (wide * scale).to(x.dtype), mask=inside)


def add_rms_norm(branch: Tensor | None, stream: Tensor, weight: Tensor, eps: float) -> Tensor:
    """See `ops.add_rms_norm`."""
    normed = torch.empty_like(stream)
    rows, size = stream.shape
    _add_rms_norm[(rows,)](
        stream if branch is None else branch,
        stream,
        weight,
        normed,
        eps,
        D=size,
        BLOCK=triton.next_power_of_2(size),
        ADDS=branch is not None,
        num_warps=_NORM_WARPS,
    )
    return normed


@triton.jit
def _silu_mul(gate_up, product, inner, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < inner
    gate = tl.load(gate_up + row * 2 * inner + columns, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * inner + inner + columns, mask=inside, other=0.0).to(tl.float32)
    tl.store(product + row * inner + columns, (gate * tl.sigmoid(gate) * up).to(product.dtype.element_ty), mask=inside)


def silu_mul(gate_up: Tensor) -> Tensor:
    """See `ops.silu_mul`."""
    rows, size = len(gate_up), gate_up.shape[1] // 2
    product = gate_up.new_empty(rows, size)
    _silu_mul[(rows, triton.cdiv(size, 1024))](gate_up, product, size, BLOCK=1024)
    return product


@triton.jit
def load_halves(heads, place, HALF: tl.constexpr, mask):
    """Both halves of the heads' channels; `place` is the offset of the first half."""
    return tl.load(heads + place, mask=mask), tl.load(heads + place + HALF, mask=mask)


@triton.jit
def store_halves(heads, place, first, second, HALF: tl.constexpr, mask):
    """See `load_halves`."""
    tl.store(heads + place, first, mask=mask)
    tl.store(heads + place + HALF, second, mask=mask)


@triton.jit
def rotated(first, second, cos, sin, angle, HALF: tl.constexpr, mask):
    """Both halves of the heads, rotated, in their dtype. See `rotary.rotate`."""
    a, b = first.to(tl.float32), second.to(tl.float32)
    # The first half of the sines is negated, and both halves of the cosines are equal.
    c, s = tl.load(cos + angle, mask=mask), tl.load(sin + angle + HALF, mask=mask)
    return (a * c - b * s).to(first.dtype), (b * c + a * s).to(first.dtype)


@triton.jit
def _rotary_tables(
    positions, frequencies, axes, cos, sin, COUNT, TOKEN, AXIS, D: tl.constexpr, CHANNELS: tl.constexpr,
    TOKENS: tl.constexpr,
):  # fmt: skip
    token = (tl.program_id(0) * TOKENS + tl.arange(0, TOKENS))[:, None]
    channel = tl.arange(0, CHANNELS)[None, :]
    valid = (token < COUNT) & (channel < D)
    axis = tl.load(axes + channel, mask=channel < D, other=0)
    position = tl.load(positions + token * TOKEN + axis * AXIS, mask=valid, other=0.0)
    angle = position * tl.load(frequencies + channel, mask=channel < D, other=0.0)
    tl.store(cos + token * D + channel, tl.cos(angle), mask=valid)
    tl.store(sin + token * D + channel, tl.sin(angle), mask=valid)


def rotary_tables(positions: Tensor, frequencies: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """See `ops.rotary_tables`."""
    count, size = len(positions), len(frequencies)
    cos, sin = positions.new_empty(2, count, 1, size)
    _rotary_tables[(triton.cdiv(count, 32),)](
        positions, frequencies, axes, cos, sin, count, *positions.stride(),
        D=size, CHANNELS=triton.next_power_of_2(size), TOKENS=32,
    )  # fmt: skip
    return cos, sin


@triton.jit
def _rotate_heads(qkv, cos, sin, WIDTH, HEADS: tl.constexpr, HALF: tl.constexpr, H: tl.constexpr, C: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head, channel = tl.arange(0, H)[:, None], tl.arange(0, C)[None, :]
    valid = (head < HEADS) & (channel < HALF)
    place = token * WIDTH + head * 2 * HALF + channel
    first, second = load_halves(qkv, place, HALF, valid)
    rotated_a, rotated_b = rotated(first, second, cos, sin, token * 2 * HALF + channel, HALF, channel < HALF)
    store_halves(qkv, place, rotated_a, rotated_b, HALF, valid)


def rotate_heads(qkv: Tensor, cos: Tensor, sin: Tensor) -> None:
    """See `ops.rotate_heads`."""
    rows, width = qkv.shape
    half = cos.shape[-1] // 2
    heads = 2 * width // 3 // (2 * half)
    _rotate_heads[(rows,)](
        qkv, cos, sin, width,
        HEADS=heads, HALF=half, H=triton.next_power_of_2(heads), C=triton.next_power_of_2(half),
    )  # fmt: skip


@triton.jit
def _penalise(
    logits, seen, slots, penalty, endless, end_ids, scores, V,
    SEEN: tl.constexpr, ENDS: tl.constexpr, ENDLESS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < V
    x = tl.load(logits + row * V + column, mask=inside, other=0.0).to(tl.float32)
    if SEEN:
        was_seen = tl.load(seen + tl.load(slots + row).to(tl.int64) * V + column, mask=inside, other=0)
        x = tl.where(was_seen != 0, tl.where(x > 0, tl.div_rn(x, penalty), x * penalty), x)
    if ENDLESS:
        impossible = tl.load(endless + row) != 0
        for index in tl.static_range(ENDS):
            x = tl.where(impossible & (column == tl.load(end_ids + index)), float("-inf"), x)
    tl.store(scores + row * V + column, x, mask=inside)


def penalise(
    logits: Tensor, seen: Tensor | None, slots: Tensor, penalty: float, endless: Tensor | None, end_ids: Tensor
) -> Tensor:
    """See `ops.penalise`."""
    rows, size = logits.shape
    scores = torch.empty_like(logits, dtype=torch.float32)
    _penalise[(rows, triton.cdiv(size, 2048))](
        logits, logits if seen is None else seen, slots, penalty, logits if endless is None else endless, end_ids,
        scores, size, SEEN=seen is not None, ENDS=len(end_ids), ENDLESS=endless is not None, BLOCK=2048, num_warps=8,
    )  # fmt: skip
    return scores
