"""Decode attention with split keys: one query per stream over all its keys. See `ops.py`."""

import torch
import triton
import triton.language as tl
from torch import Tensor

_KEYS_AT_ONCE = 64
_LEAST_ROWS = 16  # minimum for a matrix product


@triton.jit
def _decode_part(
    query, keys, values, slots, lengths, part, part_max, part_sum, scale,
    C, K, SHARED: tl.constexpr, D: tl.constexpr, SPLITS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One of `SPLITS` parts of a stream's keys, for the query heads that share a KV head."""
    stream, kv_head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + stream).to(tl.int32)
    per_split = tl.cdiv(tl.cdiv(length, SPLITS), BLOCK) * BLOCK
    start, stop = split * per_split, tl.minimum((split + 1) * per_split, length)
    head, channel = tl.arange(0, ROWS), tl.arange(0, D)
    real_head = head[:, None] < SHARED
    row = (stream.to(tl.int64) * K + kv_head) * SHARED + head
    q = tl.load(query + row[:, None] * D + channel[None, :], mask=real_head, other=0.0)
    first = (tl.load(slots + stream).to(tl.int64) * C * K + kv_head) * D
    maximum = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    accumulated = tl.zeros((ROWS, D), tl.float32)
    for begin in range(start, stop, BLOCK):
        place = begin + tl.arange(0, BLOCK)
        valid = place < stop
        offset = first + place.to(tl.int64)[:, None] * K * D + channel[None, :]
        k = tl.load(keys + offset, mask=valid[:, None], other=0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(valid[None, :], scores, float("-inf"))
        new_maximum = tl.maximum(maximum, tl.max(scores, 1))
        weights = tl.exp2(scores - new_maximum[:, None])
        rescale = tl.exp2(maximum - new_maximum)
        total = total * rescale + tl.sum(weights, 1)
        v = tl.load(values + offset, mask=valid[:, None], other=0.0)
        accumulated = accumulated * rescale[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        maximum = new_maximum
    out = row * SPLITS + split
    tl.store(part + out[:, None] * D + channel[None, :], accumulated, mask=real_head)
    tl.store(part_max + out, maximum, mask=head < SHARED)
    tl.store(part_sum + out, total, mask=head < SHARED)


@triton.jit
def _decode_whole(part, part_max, part_sum, output, D: tl.constexpr, SPLITS: tl.constexpr):
    """Combines the parts of one head. A part without keys has maximum -inf, and so weight 0."""
    row = tl.program_id(0).to(tl.int64)
    split, channel = tl.arange(0, SPLITS), tl.arange(0, D)
    maximum = tl.load(part_max + row * SPLITS + split)
    weight = tl.exp2(maximum - tl.max(maximum, 0))
    total = tl.sum(weight * tl.load(part_sum + row * SPLITS + split), 0)
    parts = tl.load(part + (row * SPLITS + split)[:, None] * D + channel[None, :])
    accumulated = tl.sum(parts * weight[:, None], 0) / total
    tl.store(output + row * D + channel, accumulated.to(output.dtype.element_ty))


def decode_attention(query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, lengths: Tensor) -> Tensor:
    """See `ops.decode_attention`. The number of parts is independent of lengths, so the launch can be recorded."""
    streams, heads, size = query.shape
    capacity, kv_heads = keys.shape[1:3]
    shared = heads // kv_heads
    splits = splits_of(streams * kv_heads, _processors(query.device), capacity)
    part = query.new_empty(streams, heads, splits, size, dtype=torch.float32)
    part_max, part_sum = query.new_empty(2, streams, heads, splits, dtype=torch.float32)
    scale = size**-0.5 * 1.4426950408889634  # times log2(e), because the kernel uses exp2
    _decode_part[(streams, kv_heads, splits)](
        query, keys, values, slots, lengths, part, part_max, part_sum, scale, capacity, kv_heads,
        SHARED=shared, D=size, SPLITS=splits, ROWS=max(_LEAST_ROWS, triton.next_power_of_2(shared)),
        BLOCK=_KEYS_AT_ONCE,
    )  # fmt: skip
    output = torch.empty_like(query)
    _decode_whole[(streams * heads,)](part, part_max, part_sum, output, D=size, SPLITS=splits)
    return output


def splits_of(pairs: int, processors: int, capacity: int) -> int:
    """The number of parts of the keys, a power of two: two programs per processor, if there are enough keys."""
    wanted = max(2 * processors // pairs, 1)
    useful = max(capacity // (2 * _KEYS_AT_ONCE), 1)
    return 1 << (min(wanted, useful).bit_length() - 1)


def _processors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 4
