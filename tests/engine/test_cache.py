"""Moving tokens within their slots, against lists."""

from collections.abc import Sequence

import torch
from torch import Tensor

from svlm_cli.compute.rotary import both_ways, rotary_tables, rotate
from svlm_cli.engine.cache import KVCache

LAYERS, SLOTS, CAPACITY, HEADS, SIZE = 2, 4, 12, 2, 4


def noisy_cache() -> KVCache:
    cache = KVCache(
        layers=LAYERS,
        slots=SLOTS,
        capacity=CAPACITY,
        heads=HEADS,
        head_size=SIZE,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    for seed, pool in enumerate((cache.keys, cache.rotated_keys, cache.values)):
        pool.copy_(torch.randn(pool.shape, generator=torch.Generator().manual_seed(seed)))
    return cache


def tables(count: int) -> tuple[Tensor, Tensor]:
    return rotary_tables(both_ways(torch.randn(count, SIZE // 2, generator=torch.Generator().manual_seed(9))))


def stretches(order: Sequence[int]) -> tuple[range, ...]:
    found: list[range] = []
    for token in order:
        if found and token == found[-1].stop:
            found[-1] = range(found[-1].start, token + 1)
        else:
            found.append(range(token, token + 1))
    return tuple(found)


def test_several_slots_move_in_one_pass() -> None:
    """Tokens overwritten before they are read (words move ahead of markup), slots mixed up, angles of another token."""
    orders = {0: [0, 1, 6, 7, 2, 3, 8, 10], 2: [3, 4, 5], 3: [0, 1, 2, 5, 4, 11]}
    cache = noisy_cache()
    before = [pool.clone() for pool in (cache.keys, cache.rotated_keys, cache.values)]
    moves = [cache.keep(slot, stretches(order)) for slot, order in orders.items()]
    assert [(move.slot, move.start, move.count) for move in moves] == [(0, 2, 6), (2, 0, 3), (3, 3, 3)]
    assert cache.lengths == [8, 0, 3, 6]
    cos, sin = tables(12)
    cache.move(moves, cos, sin)
    at = 0
    for move in moves:
        stop, order = move.start + move.count, orders[move.slot]
        angles = (cos[at : at + move.count], sin[at : at + move.count])
        at += move.count
        keys = before[0][:, move.slot, order]
        assert torch.equal(cache.keys[:, move.slot, :stop], keys)
        assert torch.equal(cache.values[:, move.slot, :stop], before[2][:, move.slot, order])
        still, moved = (
            cache.rotated_keys[:, move.slot, : move.start],
            cache.rotated_keys[:, move.slot, move.start : stop],
        )
        assert torch.equal(still, before[1][:, move.slot, : move.start]), "the front keeps its positions"
        torch.testing.assert_close(moved, rotate(keys[:, move.start :], *angles), atol=1e-6, rtol=0)
    for pool, old in zip((cache.keys, cache.rotated_keys, cache.values), before, strict=True):
        assert torch.equal(pool[:, 1], old[:, 1]), "a slot that takes no part"


def test_what_stays_in_front_does_not_move() -> None:
    """Copies of a cache from which nothing, or only the end, was taken."""
    cache = noisy_cache()
    for order in (range(12), range(5), range(0)):
        assert cache.keep(1, stretches(order)).count == 0
        assert cache.lengths[1] == len(order)


def test_a_slot_that_starts_again_is_clean() -> None:
    """A stream that has overflowed and begins anew: its neighbours' attention reads past its end."""
    cache = noisy_cache()
    cache.rotated_keys[:, 1:3], cache.values[:, 1:3] = float("nan"), float("inf")
    cache.lengths = [CAPACITY] * SLOTS
    cache.keep(1, ())
    assert cache.lengths == [CAPACITY, 0, CAPACITY, CAPACITY]
    assert cache.rotated_keys[:, 1].isfinite().all()
    assert cache.values[:, 1].isfinite().all()
    assert not cache.values[:, 2].isfinite().any(), "another slot"
    cache.clear(2)
    assert cache.lengths == [CAPACITY, 0, 0, CAPACITY]
    assert cache.values[:, 2].isfinite().all()
