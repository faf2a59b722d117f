"""Keys and values on their way into the cache, and within it. See `ops.py`."""

import triton
import triton.language as tl
from torch import Tensor

from svlm_cli.engine.kernels.pointwise import turned
from svlm_cli.engine.route import Route

_HEADS_AT_ONCE = 4  # of one token, in `rotate_and_store`
_STAGED_BYTES = 1 << 28
_PAIRS_AT_ONCE, _TOKENS_AT_ONCE, _SLIDE_WARPS = 64, 128, 8  # of a head that moves within its slot


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
    turned_a, turned_b = turned(first, second, cos, sin, token * 2 * HALF + channel, HALF, channel < HALF)

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


@triton.jit(do_not_specialize=["COUNT"])
def _gather(keys, values, jumping, staged_keys, staged_values, COUNT, POOL, SIZE: tl.constexpr):
    token, channel = tl.program_id(0).to(tl.int64), tl.arange(0, SIZE)
    layer = tl.program_id(1).to(tl.int64)
    place = layer * POOL + tl.load(jumping + 4 * token).to(tl.int64) * SIZE + channel
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
    place = layer * POOL + tl.load(jumping + 4 * token + 1).to(tl.int64) * K * 2 * HALF + inner
    staged = (layer * COUNT + token) * K * 2 * HALF + inner
    first, second = tl.load(staged_keys + staged), tl.load(staged_keys + staged + HALF)
    tl.store(keys + place, first)
    tl.store(keys + place + HALF, second)
    angle = tl.load(jumping + 4 * token + 2) * 2 * HALF + channel
    turned_a, turned_b = turned(first, second, cos, sin, angle, HALF, channel < HALF)
    tl.store(rotated_keys + place, turned_a)
    tl.store(rotated_keys + place + HALF, turned_b)
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
            turned_a, turned_b = turned(first, second, cos, sin, angle, HALF, there)
            place = (target + token) * K * 2 * HALF + inner
            tl.debug_barrier()  # all of it is read
            tl.store(keys + place, first, mask=there)
            tl.store(keys + place + HALF, second, mask=there)
            tl.store(rotated_keys + place, turned_a, mask=there)
            tl.store(rotated_keys + place + HALF, turned_b, mask=there)
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
