"""Attention of new tokens over the cache, for any subset of streams with ragged lengths.

In each layer of a streaming forward pass the network calls `CachedAttention`, which rotates, stores and attends.
Streams in neighbouring slots share one call. Knows neither the meaning of tokens nor eviction.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svlm_cli.compute.attention import attend, causal_mask
from svlm_cli.compute.device import upload
from svlm_cli.compute.flash import CausalAttention, CausalKernels, Lengths, VarlenAttention
from svlm_cli.engine.cache import KVCache

JOINED_KEYS = 4096  # an estimate: beyond it, reading the keys of one stream takes longer than launching a kernel
JOINED_SCORES = 1 << 23  # per head; bounds the mask, and the computation wasted on padding
_KEY_MULTIPLE = 16  # some kernels copy masks of other widths, in every layer


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """New tokens of several streams, packed one stream after another."""

    slots: tuple[int, ...]
    counts: tuple[int, ...]  # new tokens per slot


@dataclass(frozen=True, slots=True)
class PaddedGroup:
    """Streams in neighbouring slots that share one attention call, padded to the longest.

    ``b`` streams with up to ``n`` new tokens each (together the packed ones in `tokens`) and up to ``m`` keys. `fill`
    and `real` are None if all have the same number of new tokens, `mask` if each stream has one new token that sees all
    ``m`` keys.
    """

    slots: slice
    tokens: slice
    keys: int  # m
    fill: Tensor | None  # [b * n] the token of the batch at each padded place
    real: Tensor | None  # [tokens] the places that are not padding
    mask: Tensor | None  # added to the scores: [b, 1, n, m], or [b, 1, n * H / K, m] where both b and n are above 1

    def attend(self, cache: KVCache, layer: int, query: Tensor) -> Tensor:
        """The rotated queries of `tokens`, ``[..., H, D]``, attend over their streams' keys; shaped as `query`."""
        keys, values = cache.read(layer, self.slots, self.keys)
        padded = query if self.fill is None else query.index_select(0, self.fill)
        output = attend(padded, keys, values, self.mask)
        return output if self.real is None else output.index_select(0, self.real)


@dataclass(frozen=True, slots=True)
class VariableGroup:
    """Streams in neighbouring slots that share one call of a variable-length kernel."""

    slots: slice
    tokens: slice
    new: Lengths
    held: Tensor  # [b] int32
    kernel: VarlenAttention

    def attend(self, cache: KVCache, layer: int, query: Tensor) -> Tensor:
        """See `PaddedGroup.attend`."""
        return self.kernel(query, *cache.read_all(layer, self.slots), self.new, self.held)


@dataclass(frozen=True, slots=True)
class SingleGroup:
    """A stream with an attention call of its own, which needs no mask."""

    slot: int
    tokens: slice
    keys: int
    kernel: CausalAttention

    def attend(self, cache: KVCache, layer: int, query: Tensor) -> Tensor:
        """See `PaddedGroup.attend`."""
        return self.kernel(query, *cache.read_one(layer, self.slot, self.keys))


class CachedAttention:
    """The `PackedAttend` for new tokens: claims their rows in the cache and fills them layer by layer."""

    def __init__(
        self,
        cache: KVCache,
        batch: PackedBatch,
        cos: Tensor,
        sin: Tensor,
        *,
        heads: int,
        kernels: CausalKernels | None = None,
    ) -> None:
        """`cos` and `sin` are the tables of the packed tokens, `heads` is the network's number of query heads ``H``.

        Without `kernels`, causality is enforced by masks.
        """
        self._cache, self._cos, self._sin = cache, cos, sin
        self._rows = upload(claim_rows(cache, batch), cache.keys.device)
        shared = heads // cache.keys.shape[3]
        places = self._rows % cache.capacity  # index of each token in its slot
        together = None if kernels is None else kernels.batched
        self._groups: list[PaddedGroup | VariableGroup | SingleGroup] = []
        for members in neighbours(cache, batch, shared, bundled=together is not None):
            if kernels is not None and len(members) == 1:
                self._groups.append(_alone(cache, batch, members.start, kernels.single))
            elif together is not None:
                self._groups.append(_bundle(cache, batch, members, together))
            else:
                self._groups.append(_join(cache, batch, members, places, shared))

    def __call__(self, layer: int, qkv: Tensor, /) -> Tensor:
        """``[N, (H + 2 K) D]``, unrotated -> ``[N, H, D]``."""
        query = self._cache.store(layer, self._rows, qkv, self._cos, self._sin)
        outputs = [group.attend(self._cache, layer, query[group.tokens]) for group in self._groups]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def claim_rows(cache: KVCache, batch: PackedBatch) -> NDArray[np.int64]:
    """Claim rows of the cache for the new tokens; return their indices over all slots."""
    return np.concatenate([cache.claim(slot, count) for slot, count in zip(batch.slots, batch.counts, strict=True)])


def neighbours(cache: KVCache, batch: PackedBatch, shared: int, *, bundled: bool = False) -> list[range]:
    """Which streams of the batch share a call, as index ranges: neighbouring slots, while they are short.

    `shared` is the number of query heads per KV head. If `bundled`, lengths do not matter.
    """
    lengths = [cache.lengths[slot] for slot in batch.slots]
    groups = [range(1)]
    for i in range(1, len(batch.slots)):
        start = groups[-1].start
        longest = max(lengths[start : i + 1])
        scores = (i + 1 - start) * max(batch.counts[start : i + 1]) * shared * longest
        beside = batch.slots[i] == batch.slots[i - 1] + 1
        if beside and (bundled or (longest <= JOINED_KEYS and scores <= JOINED_SCORES)):
            groups[-1] = range(start, i + 1)
        else:
            groups.append(range(i, i + 1))
    return groups


def _alone(cache: KVCache, batch: PackedBatch, member: int, kernel: CausalAttention) -> SingleGroup:
    first, slot = sum(batch.counts[:member]), batch.slots[member]
    return SingleGroup(slot, slice(first, first + batch.counts[member]), cache.lengths[slot], kernel)


def _bundle(cache: KVCache, batch: PackedBatch, members: range, kernel: VarlenAttention) -> VariableGroup:
    slots, counts = batch.slots[members.start : members.stop], batch.counts[members.start : members.stop]
    first, device = sum(batch.counts[: members.start]), cache.keys.device
    starts = upload(np.cumsum([0, *counts], dtype=np.int32), device)
    held = upload(np.array([cache.lengths[slot] for slot in slots], np.int32), device)
    tokens = slice(first, first + sum(counts))
    return VariableGroup(slice(slots[0], slots[-1] + 1), tokens, Lengths(starts, max(counts)), held, kernel)


def _join(cache: KVCache, batch: PackedBatch, members: range, places: Tensor, shared: int) -> PaddedGroup:
    """The padded group of the streams `members`. `places` ``[N]`` are the indices of all new tokens in their slots."""
    slots = batch.slots[members.start : members.stop]
    counts = np.array(batch.counts[members.start : members.stop])
    lengths = {cache.lengths[slot] for slot in slots}
    first = sum(batch.counts[: members.start])
    side_by_side, tokens = slice(slots[0], slots[-1] + 1), slice(first, first + int(counts.sum()))
    n, m = int(counts.max()), max(lengths)
    if n == 1 and len(lengths) == 1:
        return PaddedGroup(side_by_side, tokens, m, None, None, None)
    places = places[tokens]
    fill = real = None
    if (counts != n).any():
        starts = np.cumsum(counts) - counts
        fill = upload((starts[:, None] + np.minimum(np.arange(n), counts[:, None] - 1)).ravel(), places.device)
        real = upload(np.flatnonzero(np.arange(n) < counts[:, None]), places.device)
        places = places.index_select(0, fill)
    last = places.view(len(slots), n)  # the last key that each token sees
    m = min(-(-m // _KEY_MULTIPLE) * _KEY_MULTIPLE, cache.capacity)
    alone = n == 1 or len(slots) == 1
    mask = causal_mask(last if alone else last.repeat(1, shared), m, cache.keys.dtype)
    return PaddedGroup(side_by_side, tokens, m, fill, real, mask)


def last_of_each(packed: Tensor, batch: PackedBatch) -> Tensor:
    """The last token of each stream, from packed ``[N, D]`` to ``[B, D]``."""
    if len(packed) == len(batch.slots):
        return packed
    return packed.index_select(0, upload(np.cumsum(batch.counts) - 1, packed.device))
