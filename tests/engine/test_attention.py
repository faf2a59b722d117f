"""Attention over the cache against softmax written out, for streams that attend together and those that cannot."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from svlm_cli.compute.flash import CausalKernels, Lengths
from svlm_cli.compute.rotary import both_ways, rotary_tables, rotate
from svlm_cli.engine import attention
from svlm_cli.engine.attention import CachedAttention, PackedBatch, last_of_each, neighbours
from svlm_cli.engine.cache import KVCache
from tests.compute import flash2

LAYERS, SLOTS, CAPACITY, SIZE = 2, 6, 50, 8
ATOL = 1e-5  # sums of float32 in another order


def filled_cache(lengths: list[int], *, kinds: int) -> KVCache:
    """Slots that hold so many tokens, and noise behind them: whoever reads past an end is found out."""
    cache = KVCache(
        layers=LAYERS,
        slots=SLOTS,
        capacity=CAPACITY,
        heads=kinds,
        head_size=SIZE,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    random = torch.Generator().manual_seed(0)
    for pool in (cache.keys, cache.rotated_keys, cache.values):
        pool.copy_(torch.randn(pool.shape, generator=random))
    cache.lengths = list(lengths)
    return cache


def new_tokens(count: int, heads: int, kinds: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Queries, keys and values side by side, and rotary tables."""
    random = torch.Generator().manual_seed(1)
    qkv = torch.randn(count, (heads + 2 * kinds) * SIZE, generator=random)
    return qkv, rotary_tables(both_ways(torch.randn(count, SIZE // 2, generator=random)))


def apart(qkv: Tensor, heads: int, kinds: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each ``[N, heads, D]``."""
    query, key, value = qkv.view(len(qkv), -1, SIZE).split_with_sizes((heads, kinds, kinds), dim=1)
    return query, key, value


def written_out(cache: KVCache, layer: int, batch: PackedBatch, query: Tensor) -> Tensor:
    """Token by token and head by head, over a cache that holds the new tokens already. `query` is rotated."""
    shared = query.shape[1] // cache.keys.shape[3]
    out = torch.zeros_like(query)
    row = 0
    for slot, count in zip(batch.slots, batch.counts, strict=True):
        for seen in range(cache.lengths[slot] - count + 1, cache.lengths[slot] + 1):
            for head in range(query.shape[1]):
                keys = cache.rotated_keys[layer, slot, :seen, head // shared]
                values = cache.values[layer, slot, :seen, head // shared]
                weights = (keys @ query[row, head] / math.sqrt(SIZE)).softmax(0)
                out[row, head] = weights @ values
            row += 1
    return out


BATCHES = {
    "one stream, one token": ((2,), (1,)),
    "one stream, many tokens": ((2,), (7,)),
    "one token each": ((0, 1, 2, 3, 4, 5), (1, 1, 1, 1, 1, 1)),
    "one token each, some silent": ((0, 2, 3, 5), (1, 1, 1, 1)),
    "as many tokens each": ((1, 2, 3), (4, 4, 4)),
    "different numbers of tokens": ((0, 1, 2, 4, 5), (3, 1, 5, 2, 6)),
    "out of order": ((4, 0, 5, 1), (2, 3, 1, 1)),
    "to the end of a slot": ((0, 1), (9, 10)),
}


@pytest.mark.parametrize(("slots", "counts"), BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize(("heads", "kinds"), [(4, 2), (3, 3), (6, 1)])
def test_equals_softmax_written_out(slots: tuple[int, ...], counts: tuple[int, ...], heads: int, kinds: int) -> None:
    """A token that sees another stream, the future, padding or what a slot held before; heads with others' keys."""
    cache = filled_cache([41, 40, 3, 17, 0, 12], kinds=kinds)
    batch = PackedBatch(slots, counts)
    qkv, tables = new_tokens(sum(counts), heads, kinds)
    attend = CachedAttention(cache, batch, *tables, heads=heads)
    query = rotate(apart(qkv, heads, kinds)[0], *tables)
    for layer in range(LAYERS):
        out = attend(layer, qkv)
        torch.testing.assert_close(out, written_out(cache, layer, batch, query), atol=ATOL, rtol=0)


def plain(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """`CausalAttention` in plain PyTorch."""
    shared = query.shape[1] // keys.shape[1]
    keys, values = keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1)
    scores = torch.einsum("nhd,mhd->hnm", query, keys) / math.sqrt(SIZE)
    hidden = torch.ones(scores.shape[1:]).triu(1 + len(keys) - len(query)).bool()
    return torch.einsum("hnm,mhd->nhd", scores.masked_fill(hidden, -math.inf).softmax(-1), values)


def plain_together(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
    """`VarlenAttention` in plain PyTorch."""
    bounds, lengths = new.cu_seqlens.tolist(), held.tolist()
    assert new.max_seqlen == max(stop - start for start, stop in pairwise(bounds)), "kernels trust it"
    assert len(keys) == len(values) == len(held)
    return torch.cat(
        [
            plain(query[start:stop], keys[index, :length], values[index, :length])
            for index, (start, stop, length) in enumerate(zip(bounds, bounds[1:], lengths, strict=False))
        ]
    )


KERNELS = {
    "one stream at a time": CausalKernels(plain),
    "several streams": CausalKernels(plain, plain_together),
    "FlashAttention 2": flash2.kernels(),
}


@pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize(("slots", "counts"), BATCHES.values(), ids=BATCHES.keys())
def test_kernels_are_given_what_they_ask_for(
    slots: tuple[int, ...], counts: tuple[int, ...], kernels: CausalKernels
) -> None:
    """Guards lengths, slots and tokens of another stream."""
    cache = filled_cache([41, 40, 3, 17, 0, 12], kinds=2)
    batch = PackedBatch(slots, counts)
    qkv, tables = new_tokens(sum(counts), 4, 2)
    attend = CachedAttention(cache, batch, *tables, heads=4, kernels=kernels)
    query = rotate(apart(qkv, 4, 2)[0], *tables)
    torch.testing.assert_close(attend(1, qkv), written_out(cache, 1, batch, query), atol=ATOL, rtol=0)


def test_new_tokens_are_stored_behind_those_of_their_slot() -> None:
    cache = filled_cache([0, 5, 9, 0, 0, 0], kinds=2)
    qkv, tables = new_tokens(3, 4, 2)
    CachedAttention(cache, PackedBatch((1, 2), (2, 1)), *tables, heads=4)(1, qkv)
    assert cache.lengths == [0, 7, 10, 0, 0, 0]
    _, key, value = apart(qkv, 4, 2)
    turned = rotate(key, *tables)
    for pool, new in ((cache.keys, key), (cache.rotated_keys, turned), (cache.values, value)):
        torch.testing.assert_close(torch.cat([pool[1, 1, 5:7], pool[1, 2, 9:10]]), new, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("slots", "calls"), [((0, 1, 2, 3, 4, 5), 1), ((1, 2, 4), 2), ((0, 2, 4), 3), ((3, 2), 2), ((5,), 1)]
)
@pytest.mark.parametrize("count", [1, 3])
def test_neighbours_take_one_call_a_layer(
    slots: tuple[int, ...], calls: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python loop over streams, which on a GPU is most of a round."""
    started = []
    kernel = torch.nn.functional.scaled_dot_product_attention

    def counted(*args: Any, **kwargs: Any) -> Tensor:
        started.append(args)
        return kernel(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    cache = filled_cache([7, 3, 9, 9, 2, 1], kinds=2)
    qkv, tables = new_tokens(count * len(slots), 4, 2)
    CachedAttention(cache, PackedBatch(slots, (count,) * len(slots)), *tables, heads=4)(0, qkv)
    assert len(started) == calls


@pytest.mark.parametrize("counts", [(1, 1, 1), (2, 1, 3)])
def test_the_last_token_of_each_stream_is_the_one_that_goes_on(counts: tuple[int, ...]) -> None:
    """Guards the token that a stream's first word is chosen after."""
    packed = torch.arange(sum(counts))[:, None].expand(-1, SIZE)
    expected = [sum(counts[: i + 1]) - 1 for i in range(len(counts))]
    assert last_of_each(packed, PackedBatch((0, 1, 3), counts))[:, 0].tolist() == expected


def test_long_streams_attend_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short stream padded to the length of a full one; masks that grow with the number of streams."""
    cache = filled_cache([10, 10, 40, 10, 10, 10], kinds=2)
    everyone, ones = tuple(range(SLOTS)), (1,) * SLOTS
    monkeypatch.setattr(attention, "JOINED_KEYS", 30)
    assert neighbours(cache, PackedBatch(everyone, ones), 2) == [range(2), range(2, 3), range(3, 6)]
    monkeypatch.setattr(attention, "JOINED_KEYS", 100)
    assert neighbours(cache, PackedBatch(everyone, ones), 2) == [range(6)]
    monkeypatch.setattr(attention, "JOINED_SCORES", 2 * 5 * 2 * 10)
    assert neighbours(cache, PackedBatch(everyone, (5,) * SLOTS), 2) == [
        range(2),
        range(2, 3),
        range(3, 5),
        range(5, 6),
    ]
    cache.lengths = [10] * SLOTS
    uneven = (1, 1, 9, 1, 6, 1)  # each is padded to the longest of its group, and to no other's
    assert neighbours(cache, PackedBatch(everyone, uneven), 2) == [range(2), *(range(i, i + 1) for i in range(2, 6))]


def test_lengths_do_not_part_those_whose_kernel_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the speed of a GPU: one call for all neighbours however long, and the kernel of one stream for one."""
    calls: list[str] = []

    def one(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        calls.append("alone")
        return query

    def several(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
        calls.append("together")
        return query

    monkeypatch.setattr(attention, "JOINED_KEYS", 30)
    cache = filled_cache([10, 10, 40, 10, 10, 10], kinds=2)
    qkv, tables = new_tokens(5, 4, 2)
    kernels = CausalKernels(one, several)
    CachedAttention(cache, PackedBatch((0, 1, 2, 3, 5), (1,) * 5), *tables, heads=4, kernels=kernels)(0, qkv)
    assert calls == ["together", "alone"]


@pytest.mark.parametrize(("most", "calls"), [(40, 1), (39, 3)])
def test_a_stream_as_long_as_may_be_attends_with_its_neighbours(
    most: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the bound itself."""
    cache = filled_cache([10, 10, 40, 10, 10, 10], kinds=2)
    monkeypatch.setattr(attention, "JOINED_KEYS", most)
    assert len(neighbours(cache, PackedBatch(tuple(range(SLOTS)), (1,) * SLOTS), 2)) == calls


def test_a_cleared_slot_spoils_nothing() -> None:
    """What is no number times a weight of zero is no number: a stream that overflowed, and the next one in its slot."""
    cache = filled_cache([20, 30, 0, 0, 0, 0], kinds=2)
    cache.rotated_keys[:, 0], cache.values[:, 0] = float("nan"), float("nan")
    cache.clear(0)
    qkv, tables = new_tokens(2, 4, 2)
    out = CachedAttention(cache, PackedBatch((0, 1), (1, 1)), *tables, heads=4)(0, qkv)
    assert out.isfinite().all()
