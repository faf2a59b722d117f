"""Kernels for NVIDIA GPUs, in Triton: where the network has several operations on the same numbers, one pass over them.

`ops.py` calls them and has each of them once more in plain PyTorch, which they are tested against. Imported only
where there is a GPU. Knows no stream and no policy.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_NORM_WARPS = 8
_HEADS_AT_ONCE = 4  # of one token, in `rotate_and_store`
_KEYS_AT_ONCE = 64
_LEAST_ROWS = 16  # of a matrix product


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


@triton.jit
def _gather(keys, values, source, staged_keys, staged_values, SIZE: tl.constexpr):
    token, channel = tl.program_id(0).to(tl.int64), tl.arange(0, SIZE)
    row = tl.load(source + token) * SIZE
    tl.store(staged_keys + token * SIZE + channel, tl.load(keys + row + channel))
    tl.store(staged_values + token * SIZE + channel, tl.load(values + row + channel))


@triton.jit
def _scatter(
    keys, rotated_keys, values, target, staged_keys, staged_values, cos, sin, K: tl.constexpr, HALF: tl.constexpr
):
    token = tl.program_id(0).to(tl.int64)
    head, channel = tl.arange(0, K)[:, None], tl.arange(0, HALF)[None, :]
    inner = head * 2 * HALF + channel
    place = tl.load(target + token) * K * 2 * HALF + inner
    staged = token * K * 2 * HALF + inner
    first, second = tl.load(staged_keys + staged), tl.load(staged_keys + staged + HALF)
    tl.store(keys + place, first)
    tl.store(keys + place + HALF, second)
    angle = token * 2 * HALF + channel
    a, b = first.to(tl.float32), second.to(tl.float32)
    turned_a = a * tl.load(cos + angle) + b * tl.load(sin + angle)
    turned_b = b * tl.load(cos + angle + HALF) + a * tl.load(sin + angle + HALF)
    tl.store(rotated_keys + place, turned_a.to(first.dtype))
    tl.store(rotated_keys + place + HALF, turned_b.to(first.dtype))
    tl.store(values + place, tl.load(staged_values + staged))
    tl.store(values + place + HALF, tl.load(staged_values + staged + HALF))


def move(
    keys: Tensor, rotated_keys: Tensor, values: Tensor, source: Tensor, target: Tensor, cos: Tensor, sin: Tensor
) -> None:
    """See `ops.move`. Through a copy: a place may be written to before it is read."""
    count, (kinds, size) = len(source), keys.shape[1:]
    staged_keys, staged_values = keys.new_empty(2, count, kinds, size)
    _gather[(count,)](keys, values, source, staged_keys, staged_values, SIZE=kinds * size)
    _scatter[(count,)](
        keys, rotated_keys, values, target, staged_keys, staged_values, cos, sin, K=kinds, HALF=size // 2
    )


@triton.jit
def _fp8_linear(
    x, values, scales, out, M, N, K,
    SPLITS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """`ROWS` times `COLUMNS` of the product, summed over one of `SPLITS` parts of K."""
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    split, row, inner = tl.program_id(1), tl.arange(0, ROWS), tl.arange(0, BLOCK)
    each = tl.cdiv(tl.cdiv(K, SPLITS), BLOCK) * BLOCK
    start, stop = split * each, tl.minimum((split + 1) * each, K)
    summed = tl.zeros((ROWS, COLUMNS), tl.float32)
    for begin in range(start, stop, BLOCK):
        k = begin + inner
        there = k < stop
        a = tl.load(x + row[:, None] * K + k[None, :], mask=(row[:, None] < M) & there[None, :], other=0.0)
        w = tl.load(values + column[:, None].to(tl.int64) * K + k[None, :], mask=(column[:, None] < N) & there[None, :])
        summed += tl.dot(a, tl.trans(w.to(tl.float16)))
    real = (row[:, None] < M) & (column[None, :] < N)
    summed *= tl.load(scales + column, mask=column < N, other=0.0)[None, :]
    place = out + row[:, None] * N + column[None, :]
    if SPLITS == 1:
        tl.store(place, summed, mask=real)
    else:
        tl.atomic_add(place, summed, mask=real)


def fp8_linear(x: Tensor, values: Tensor, scales: Tensor, bias: Tensor | None) -> Tensor:
    """See `fp8.linear`, for few rows. They are halves, divided by their largest value: eight bits widen to halves at
    once, and a half has no room for large numbers.
    """
    (m, k), n = x.shape, len(values)
    largest = x.float().abs().amax(dim=1, keepdim=True).clamp_(min=1e-12)
    halves = (x / largest).to(torch.float16)
    columns = 32
    splits = splits_of(triton.cdiv(n, columns), _processors(x.device), k)
    out = (torch.empty if splits == 1 else torch.zeros)(m, n, device=x.device)
    _fp8_linear[(triton.cdiv(n, columns), splits)](
        halves, values, scales, out, m, n, k,
        SPLITS=splits, ROWS=max(_LEAST_ROWS, triton.next_power_of_2(m)), COLUMNS=columns, BLOCK=256,
    )  # fmt: skip
    product = (out * largest).to(x.dtype)
    return product if bias is None else product + bias
