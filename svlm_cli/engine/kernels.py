"""Kernels for NVIDIA GPUs, in Triton: where the network has several operations on the same numbers, one pass over them.

`ops.py` calls them and has each of them once more in plain PyTorch, which they are tested against. Imported only
where there is a GPU. Knows no stream and no policy.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from svlm_cli.engine.route import Route

_NORM_WARPS = 8
_HEADS_AT_ONCE = 4  # of one token, in `rotate_and_store`
_KEYS_AT_ONCE = 64
_LEAST_ROWS = 16  # of a matrix product
_STAGED_BYTES = 1 << 28
_PAIRS_AT_ONCE, _TOKENS_AT_ONCE, _SLIDE_WARPS = 64, 128, 8  # of a head that moves within its slot


@triton.jit
def _add_rms_norm(branch, stream, weight, normed, eps, D: tl.constexpr, BLOCK: tl.constexpr, ADDS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * D
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    x = tl.load(stream + row + columns, mask=inside, other=0.0)
    if ADDS:
        x = (x.to(tl.float32) + tl.load(branch + row + columns, mask=inside, other=0.0).to(tl.float32)).to(x.dtype)
        tl.store(stream + row + columns, x, mask=inside)
    wide = x.to(tl.float32)
    wide = wide * tl.rsqrt(tl.sum(wide * wide) / D + eps)
    scale = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
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
def _rotate_heads(qkv, cos, sin, WIDTH, HEADS: tl.constexpr, HALF: tl.constexpr, H: tl.constexpr, C: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head, channel = tl.arange(0, H)[:, None], tl.arange(0, C)[None, :]
    there = (head < HEADS) & (channel < HALF)
    x = qkv + token * WIDTH + head * 2 * HALF + channel
    first, second = tl.load(x, mask=there, other=0.0), tl.load(x + HALF, mask=there, other=0.0)
    inside = channel < HALF
    angle = token * 2 * HALF + channel
    a, b = first.to(tl.float32), second.to(tl.float32)
    turned_a = a * tl.load(cos + angle, mask=inside) + b * tl.load(sin + angle, mask=inside)
    turned_b = b * tl.load(cos + angle + HALF, mask=inside) + a * tl.load(sin + angle + HALF, mask=inside)
    tl.store(x, turned_a.to(first.dtype), mask=there)
    tl.store(x + HALF, turned_b.to(first.dtype), mask=there)


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
def _rotate_and_store(
    qkv, cos, sin, rows, query, keys, rotated_keys, values, H, K, HALF: tl.constexpr, AT_ONCE: tl.constexpr
):
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * AT_ONCE + tl.arange(0, AT_ONCE)[:, None]
    channel = tl.arange(0, HALF)[None, :]
    there = (head < H + 2 * K) & (channel < HALF)
    x = qkv + (token * (H + 2 * K) + head) * 2 * HALF + channel
    first = tl.load(x, mask=there, other=0.0)
    second = tl.load(x + HALF, mask=there, other=0.0)
    angle = token * 2 * HALF + channel
    a, b = first.to(tl.float32), second.to(tl.float32)
    turned_a = (a * tl.load(cos + angle) + b * tl.load(sin + angle)).to(first.dtype)
    turned_b = (b * tl.load(cos + angle + HALF) + a * tl.load(sin + angle + HALF)).to(first.dtype)

    is_query = head < H
    out = query + (token * H + head) * 2 * HALF + channel
    tl.store(out, turned_a, mask=there & is_query)
    tl.store(out + HALF, turned_b, mask=there & is_query)

    row = tl.load(rows + token)
    is_key = there & (head >= H) & (head < H + K)
    place = (row * K + head - H) * 2 * HALF + channel
    tl.store(keys + place, first, mask=is_key)
    tl.store(keys + place + HALF, second, mask=is_key)
    tl.store(rotated_keys + place, turned_a, mask=is_key)
    tl.store(rotated_keys + place + HALF, turned_b, mask=is_key)

    is_value = there & (head >= H + K)
    place = (row * K + head - H - K) * 2 * HALF + channel
    tl.store(values + place, first, mask=is_value)
    tl.store(values + place + HALF, second, mask=is_value)


def rotate_and_store(
    qkv: Tensor, cos: Tensor, sin: Tensor, rows: Tensor, keys: Tensor, rotated_keys: Tensor, values: Tensor
) -> Tensor:
    """See `ops.rotate_and_store`."""
    count, kinds, size = len(qkv), keys.shape[1], keys.shape[2]
    heads = qkv.shape[1] // size - 2 * kinds
    query = qkv.new_empty(count, heads, size)
    _rotate_and_store[(count, triton.cdiv(heads + 2 * kinds, _HEADS_AT_ONCE))](
        qkv, cos, sin, rows, query, keys, rotated_keys, values, heads, kinds, HALF=size // 2, AT_ONCE=_HEADS_AT_ONCE
    )
    return query


@triton.jit
def _decode_part(
    query, keys, values, slots, lengths, part, part_max, part_sum, scale,
    C, K, SHARED: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One of `SPLITS` parts of a stream's keys, for the query heads that share a key head."""
    stream, kind, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + stream).to(tl.int32)
    each = tl.cdiv(tl.cdiv(length, SPLITS), BLOCK) * BLOCK
    start, stop = split * each, tl.minimum((split + 1) * each, length)
    head, channel = tl.arange(0, ROWS), tl.arange(0, D)
    real = head[:, None] < SHARED
    row = (stream.to(tl.int64) * K + kind) * SHARED + head
    q = tl.load(query + row[:, None] * D + channel[None, :], mask=real, other=0.0)
    first = (tl.load(slots + stream).to(tl.int64) * C * K + kind) * D
    most = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    summed = tl.zeros((ROWS, D), tl.float32)
    for begin in range(start, stop, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        there = place < stop
        offset = first + place.to(tl.int64)[:, None] * K * D + channel[None, :]
        k = tl.load(keys + offset, mask=there[:, None], other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(there[None, :], scores, float("-inf"))
        larger = tl.maximum(most, tl.max(scores, 1))
        weights = tl.exp2(scores - larger[:, None])
        fade = tl.exp2(most - larger)
        total = total * fade + tl.sum(weights, 1)
        v = tl.load(values + offset, mask=there[:, None], other=0.0)
        summed = summed * fade[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        most = larger
    out = row * SPLITS + split
    tl.store(part + out[:, None] * D + channel[None, :], summed, mask=real)
    tl.store(part_max + out, most, mask=head < SHARED)
    tl.store(part_sum + out, total, mask=head < SHARED)


@triton.jit
def _decode_whole(part, part_max, part_sum, output, D: tl.constexpr, SPLITS: tl.constexpr):
    """The parts of one head put together. A part without keys has the maximum -inf and counts nothing."""
    row = tl.program_id(0).to(tl.int64)
    split, channel = tl.arange(0, SPLITS), tl.arange(0, D)
    most = tl.load(part_max + row * SPLITS + split)
    weight = tl.exp2(most - tl.max(most, 0))
    total = tl.sum(weight * tl.load(part_sum + row * SPLITS + split), 0)
    parts = tl.load(part + (row * SPLITS + split)[:, None] * D + channel[None, :])
    summed = tl.sum(parts * weight[:, None], 0) / total
    tl.store(output + row * D + channel, summed.to(output.dtype.element_ty))


def decode_attention(query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, lengths: Tensor) -> Tensor:
    """See `ops.decode_attention`. How many parts there are follows from the batch alone, so a graph may hold them."""
    streams, heads, size = query.shape
    capacity, kinds = keys.shape[1:3]
    shared = heads // kinds
    splits = splits_of(streams * kinds, _processors(query.device), capacity)
    part = query.new_empty(streams, heads, splits, size, dtype=torch.float32)
    part_max, part_sum = query.new_empty(2, streams, heads, splits, dtype=torch.float32)
    scale = size**-0.5 * 1.4426950408889634  # log2(e): the kernel counts in powers of two
    _decode_part[(streams, kinds, splits)](
        query, keys, values, slots, lengths, part, part_max, part_sum, scale, capacity, kinds,
        SHARED=shared, D=size, SPLITS=splits, ROWS=max(_LEAST_ROWS, triton.next_power_of_2(shared)),
        BLOCK=_KEYS_AT_ONCE,
    )  # fmt: skip
    output = torch.empty_like(query)
    _decode_whole[(streams * heads,)](part, part_max, part_sum, output, D=size, SPLITS=splits)
    return output


def splits_of(pairs: int, processors: int, capacity: int) -> int:
    """In how many parts keys are read, a power of two: two programs a processor, if there are keys for so many."""
    wanted = max(2 * processors // pairs, 1)
    useful = max(capacity // (2 * _KEYS_AT_ONCE), 1)
    return 1 << (min(wanted, useful).bit_length() - 1)


def _processors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 4


@triton.jit(do_not_specialize=["COUNT"])
def _gather(keys, values, jumping, staged_keys, staged_values, COUNT, POOL, SIZE: tl.constexpr):
    token, channel = tl.program_id(0).to(tl.int64), tl.arange(0, SIZE)
    layer = tl.program_id(1).to(tl.int64)
    place = layer * POOL + tl.load(jumping + 3 * token).to(tl.int64) * SIZE + channel
    staged = (layer * COUNT + token) * SIZE + channel
    tl.store(staged_keys + staged, tl.load(keys + place))
    tl.store(staged_values + staged, tl.load(values + place))


@triton.jit(do_not_specialize=["COUNT"])
def _scatter(
    keys, rotated_keys, values, jumping, staged_keys, staged_values, cos, sin, COUNT, POOL,
    K: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    token, layer = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    head, channel = tl.arange(0, K)[:, None], tl.arange(0, HALF)[None, :]
    inner = head * 2 * HALF + channel
    place = layer * POOL + tl.load(jumping + 3 * token + 1).to(tl.int64) * K * 2 * HALF + inner
    staged = (layer * COUNT + token) * K * 2 * HALF + inner
    first, second = tl.load(staged_keys + staged), tl.load(staged_keys + staged + HALF)
    tl.store(keys + place, first)
    tl.store(keys + place + HALF, second)
    angle = tl.load(jumping + 3 * token + 2) * 2 * HALF + channel
    a, b = first.to(tl.float32), second.to(tl.float32)
    turned_a = a * tl.load(cos + angle) + b * tl.load(sin + angle)
    turned_b = b * tl.load(cos + angle + HALF) + a * tl.load(sin + angle + HALF)
    tl.store(rotated_keys + place, turned_a.to(first.dtype))
    tl.store(rotated_keys + place + HALF, turned_b.to(first.dtype))
    tl.store(values + place, tl.load(staged_values + staged))
    tl.store(values + place + HALF, tl.load(staged_values + staged + HALF))


@triton.jit
def _slide(
    keys, rotated_keys, values, runs, bounds, cos, sin, POOL,
    K: tl.constexpr, HALF: tl.constexpr, CHANNELS: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    """`CHANNELS` pairs of one key head, in one layer and one slot: its tokens in order, so that none is written to
    before it is read.
    """
    part, slot, layer = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    head = part // (HALF // CHANNELS)
    channel = (part % (HALF // CHANNELS)) * CHANNELS + tl.arange(0, CHANNELS)[None, :]
    inner = layer * POOL + head * 2 * HALF + channel
    for run in range(tl.load(bounds + slot), tl.load(bounds + slot + 1)):
        source, target = tl.load(runs + 4 * run).to(tl.int64), tl.load(runs + 4 * run + 1).to(tl.int64)
        first_angle, count = tl.load(runs + 4 * run + 2), tl.load(runs + 4 * run + 3)
        for begin in range(0, count, TOKENS):
            token = begin + tl.arange(0, TOKENS)[:, None]
            there = (token < count) & (channel < HALF)
            place = (source + token) * K * 2 * HALF + inner
            first, second = tl.load(keys + place, mask=there), tl.load(keys + place + HALF, mask=there)
            value, second_value = tl.load(values + place, mask=there), tl.load(values + place + HALF, mask=there)
            angle = (first_angle + token) * 2 * HALF + channel
            a, b = first.to(tl.float32), second.to(tl.float32)
            turned_a = a * tl.load(cos + angle, mask=there) + b * tl.load(sin + angle, mask=there)
            turned_b = b * tl.load(cos + angle + HALF, mask=there) + a * tl.load(sin + angle + HALF, mask=there)
            place = (target + token) * K * 2 * HALF + inner
            tl.debug_barrier()  # all of it is read
            tl.store(keys + place, first, mask=there)
            tl.store(keys + place + HALF, second, mask=there)
            tl.store(rotated_keys + place, turned_a.to(first.dtype), mask=there)
            tl.store(rotated_keys + place + HALF, turned_b.to(first.dtype), mask=there)
            tl.store(values + place, value, mask=there)
            tl.store(values + place + HALF, second_value, mask=there)


def move(keys: Tensor, rotated_keys: Tensor, values: Tensor, route: Route, cos: Tensor, sin: Tensor) -> None:
    """See `ops.move`. Tokens that jump are copied first and put in their places last, as many layers at once as there
    is room for.
    """
    layers, places, kinds, size = keys.shape
    pool, jumps, half = places * kinds * size, route.jumps, size // 2
    channels = min(half, _PAIRS_AT_ONCE)
    at_once = max(min(layers, _STAGED_BYTES // max(2 * jumps * kinds * size * keys.element_size(), 1)), 1)
    for begin in range(0, layers, at_once):
        some = [one[begin : begin + at_once] for one in (keys, rotated_keys, values)]
        count = len(some[0])
        staged = keys.new_empty(2, count, jumps, kinds, size)
        if jumps:
            _gather[(jumps, count)](some[0], some[2], route.jumping, *staged, jumps, pool, SIZE=kinds * size)
        if route.runs:
            _slide[(kinds * (half // channels), route.slots, count)](
                *some, route.sliding, route.bounds, cos, sin, pool,
                K=kinds, HALF=half, CHANNELS=channels, TOKENS=_TOKENS_AT_ONCE, num_warps=_SLIDE_WARPS,
            )  # fmt: skip
        if jumps:
            _scatter[(jumps, count)](*some, route.jumping, *staged, cos, sin, jumps, pool, K=kinds, HALF=half)


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
