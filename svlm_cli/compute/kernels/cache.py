"""Stores keys and values in the cache, and moves them within it. See `ops.py`."""

import triton
import triton.language as tl
from torch import Tensor

from svlm_cli.compute.kernels.pointwise import load_halves, rotated, store_halves
from svlm_cli.compute.route import Route

_HEADS_AT_ONCE = 4  # per token, in `rotate_and_store`
_STAGED_BYTES = 1 << 28
_PAIRS_AT_ONCE, _TOKENS_AT_ONCE, _MOVING_WARPS = 64, 128, 8  # per program of `_move`


@triton.jit
def _rotate_and_store(
    qkv, cos, sin, rows, query, keys, rotated_keys, values, H, K,
    HALF: tl.constexpr, AT_ONCE: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * AT_ONCE + tl.arange(0, AT_ONCE)[:, None]
    channel = tl.arange(0, HALF)[None, :]
    valid = (head < H + 2 * K) & (channel < HALF)
    first, second = load_halves(qkv, (token * (H + 2 * K) + head) * 2 * HALF + channel, HALF, valid)
    rotated_a, rotated_b = rotated(first, second, cos, sin, token * 2 * HALF + channel, HALF, channel < HALF)

    store_halves(query, (token * H + head) * 2 * HALF + channel, rotated_a, rotated_b, HALF, valid & (head < H))

    row = tl.load(rows + token)
    valid &= row >= 0
    is_key = valid & (head >= H) & (head < H + K)
    place = (row * K + head - H) * 2 * HALF + channel
    store_halves(keys, place, first, second, HALF, is_key)
    store_halves(rotated_keys, place, rotated_a, rotated_b, HALF, is_key)

    place = (row * K + head - H - K) * 2 * HALF + channel
    store_halves(values, place, first, second, HALF, valid & (head >= H + K))


def rotate_and_store(
    qkv: Tensor, cos: Tensor, sin: Tensor, rows: Tensor, keys: Tensor, rotated_keys: Tensor, values: Tensor
) -> Tensor:
    """See `ops.rotate_and_store`."""
    count, kv_heads, size = len(qkv), keys.shape[1], keys.shape[2]
    heads = qkv.shape[1] // size - 2 * kv_heads
    query = qkv.new_empty(count, heads, size)
    _rotate_and_store[(count, triton.cdiv(heads + 2 * kv_heads, _HEADS_AT_ONCE))](
        qkv, cos, sin, rows, query, keys, rotated_keys, values, heads, kv_heads,
        HALF=size // 2, AT_ONCE=_HEADS_AT_ONCE,
    )  # fmt: skip
    return query


@triton.jit
def _stage_jumps(
    keys, values, rows, staged_keys, staged_values, inner, staged, begin, end, inside,
    WIDTH: tl.constexpr, HALF: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    for first_row in range(begin, end, TOKENS):
        row = first_row + tl.arange(0, TOKENS)[:, None]
        valid = (row < end) & inside
        place = tl.load(rows + 4 * row, mask=row < end, other=0).to(tl.int64) * WIDTH + inner
        first, second = load_halves(keys, place, HALF, valid)
        value, second_value = load_halves(values, place, HALF, valid)
        store_halves(staged_keys, row.to(tl.int64) * WIDTH + staged, first, second, HALF, valid)
        store_halves(staged_values, row.to(tl.int64) * WIDTH + staged, value, second_value, HALF, valid)


@triton.jit
def _slide(
    keys, rotated_keys, values, rows, cos, sin, inner, channel, begin, end, inside,
    WIDTH: tl.constexpr, HALF: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    """Moves runs in order, block by block, and loads the next block before storing this one where they may overlap."""
    for run in range(begin, end):
        source, target = tl.load(rows + 4 * run).to(tl.int64), tl.load(rows + 4 * run + 1).to(tl.int64)
        first_angle, count = tl.load(rows + 4 * run + 2), tl.load(rows + 4 * run + 3)
        token = tl.arange(0, TOKENS)[:, None]
        valid = (token < count) & inside
        first, second = load_halves(keys, (source + token) * WIDTH + inner, HALF, valid)
        value, second_value = load_halves(values, (source + token) * WIDTH + inner, HALF, valid)
        for _ in range(0, count, TOKENS):
            next_valid = (token + TOKENS < count) & inside
            place = (source + token + TOKENS) * WIDTH + inner
            next_first, next_second = load_halves(keys, place, HALF, next_valid)
            next_value, next_second_value = load_halves(values, place, HALF, next_valid)
            angle = (first_angle + token) * 2 * HALF + channel
            rotated_a, rotated_b = rotated(first, second, cos, sin, angle, HALF, valid)
            place = (target + token) * WIDTH + inner
            tl.debug_barrier()  # all threads have loaded
            store_halves(keys, place, first, second, HALF, valid)
            store_halves(rotated_keys, place, rotated_a, rotated_b, HALF, valid)
            store_halves(values, place, value, second_value, HALF, valid)
            first, second, value, second_value = next_first, next_second, next_value, next_second_value
            token, valid = token + TOKENS, next_valid


@triton.jit
def _place_jumps(
    keys, rotated_keys, values, rows, staged_keys, staged_values, cos, sin, inner, staged, channel, begin, end, inside,
    WIDTH: tl.constexpr, HALF: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    for first_row in range(begin, end, TOKENS):
        row = first_row + tl.arange(0, TOKENS)[:, None]
        valid = (row < end) & inside
        first, second = load_halves(staged_keys, row.to(tl.int64) * WIDTH + staged, HALF, valid)
        value, second_value = load_halves(staged_values, row.to(tl.int64) * WIDTH + staged, HALF, valid)
        angle = tl.load(rows + 4 * row + 2, mask=row < end, other=0) * 2 * HALF + channel
        rotated_a, rotated_b = rotated(first, second, cos, sin, angle, HALF, valid)
        place = tl.load(rows + 4 * row + 1, mask=row < end, other=0).to(tl.int64) * WIDTH + inner
        store_halves(keys, place, first, second, HALF, valid)
        store_halves(rotated_keys, place, rotated_a, rotated_b, HALF, valid)
        store_halves(values, place, value, second_value, HALF, valid)


@triton.jit(do_not_specialize=["LAYER", "STAGED"])
def _move(
    keys, rotated_keys, values, rows, bounds, staged_keys, staged_values, cos, sin, POOL, LAYER, STAGED,
    WIDTH: tl.constexpr, HALF: tl.constexpr, CHANNELS: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    """`CHANNELS` channel pairs of one KV head, in one layer and slot. Jumping rows are staged first and placed last."""
    part, slot, layer = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    head = part // (HALF // CHANNELS)
    channel = (part % (HALF // CHANNELS)) * CHANNELS + tl.arange(0, CHANNELS)[None, :]
    inside = channel < HALF
    inner = (LAYER + layer) * POOL + head * 2 * HALF + channel
    staged = layer * STAGED * WIDTH + head * 2 * HALF + channel
    jumps, slides = tl.load(bounds + 2 * slot), tl.load(bounds + 2 * slot + 1)
    end = tl.load(bounds + 2 * slot + 2)
    _stage_jumps(
        keys, values, rows, staged_keys, staged_values, inner, staged, jumps, slides, inside, WIDTH, HALF, TOKENS
    )  # fmt: skip
    tl.debug_barrier()
    _slide(keys, rotated_keys, values, rows, cos, sin, inner, channel, slides, end, inside, WIDTH, HALF, TOKENS)
    tl.debug_barrier()
    _place_jumps(
        keys, rotated_keys, values, rows, staged_keys, staged_values, cos, sin, inner, staged, channel, jumps, slides,
        inside, WIDTH, HALF, TOKENS,
    )  # fmt: skip


def move(keys: Tensor, rotated_keys: Tensor, values: Tensor, route: Route, cos: Tensor, sin: Tensor) -> None:
    """See `ops.move`. Processes as many layers at once as there is room to stage the rows that jump."""
    layers, places, kv_heads, size = keys.shape
    rows, half = len(route.rows), size // 2
    channels = min(half, _PAIRS_AT_ONCE)
    at_once = max(min(layers, _STAGED_BYTES // max(2 * rows * kv_heads * size * keys.element_size(), 1)), 1)
    staged_keys, staged_values = keys.new_empty(2, at_once, rows, kv_heads, size)
    for layer in range(0, layers, at_once):
        _move[(kv_heads * (half // channels), route.slots, min(at_once, layers - layer))](
            keys, rotated_keys, values, route.rows, route.bounds, staged_keys, staged_values, cos, sin,
            places * kv_heads * size, layer, rows,
            WIDTH=kv_heads * size, HALF=half, CHANNELS=channels, TOKENS=_TOKENS_AT_ONCE, num_warps=_MOVING_WARPS,
        )  # fmt: skip
