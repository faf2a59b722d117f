"""Prefill: runs the new tokens of several streams through the decoder, packed into one batch.

For few tokens, launching kernels takes longer than running them, so the pass is recorded as a CUDA graph if there is an
attention kernel that reads lengths from the device. Knows no video and no words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute import flash, ops
from svlm_cli.compute.device import upload
from svlm_cli.compute.flash import CausalKernels, Lengths, VarlenAttention
from svlm_cli.compute.graphs import Graphs
from svlm_cli.engine.attention import CachedAttention, PackedBatch, claim_rows, last_of_each
from svlm_cli.engine.cache import KVCache
from svlm_cli.engine.prompt import Span, flatten, last
from svlm_cli.networks.family import Positions
from svlm_cli.networks.network import DeepFeatures, FusedLanguage, Network

_FEW_TOKENS = 1024  # above this, running the kernels takes longer than launching them
_WIDTH = 32  # recorded batches are padded to a multiple of this
_MOST_RECORDED = 8  # each recording holds memory
_NOWHERE = -1  # padding is not stored: its keys may be NaN, and kernels read past the end of a stream


@dataclass(frozen=True, slots=True, eq=False)
class Unread:
    """A sequence whose `count` tokens after those with keys are to be prefilled."""

    slot: int
    spans: tuple[Span, ...]
    positions: Positions  # of all tokens
    features: Mapping[int, Tensor]  # ``[F, n, D]`` per round with pads to prefill
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """N tokens of several streams, packed one stream after another."""

    packed: PackedBatch
    ids: list[int]
    positions: Positions  # [N, A]
    pads: list[int]  # indices of the tokens that features replace
    features: list[Tensor]  # [F, n, D] each, for the pads in this order

    @classmethod
    def of(cls, unread: Sequence[Unread], lengths: Sequence[int]) -> "_Batch":
        """`lengths` are the numbers of keys per slot."""
        ids: list[int] = []
        pads: list[int] = []
        features: list[Tensor] = []
        positions: list[Positions] = []
        for one in unread:
            keyed = lengths[one.slot]
            spans, known = last(one.spans, len(one.positions) - keyed)
            new = range(len(ids), len(ids) + one.count)
            for at, part in _blocks(spans, len(ids) - known, new, one.features):
                pads += range(at, at + part.shape[1])
                features.append(part)
            ids += flatten(spans)[known : known + one.count]
            positions.append(one.positions[keyed : keyed + one.count])
        slots, counts = (tuple(column) for column in zip(*((one.slot, one.count) for one in unread), strict=True))
        return cls(PackedBatch(slots, counts), ids, np.concatenate(positions), pads, features)


def _blocks(
    spans: Sequence[Span], begin: int, new: range, features: Mapping[int, Tensor]
) -> Iterator[tuple[int, Tensor]]:
    """For each video block with pads in `new`: the index of its first pad, and its features.

    The first span starts at `begin`. The blocks of a round share its features, in order.
    """
    taken: dict[int, int] = {}
    for span in spans:
        if span.grid is not None and begin in new:
            first = taken.get(span.round, 0)
            taken[span.round] = first + len(span)
            yield begin, features[span.round][:, first : first + len(span)]
        begin += len(span)


@dataclass(frozen=True, slots=True)
class _Key:
    """What a recording depends on: the padded number of tokens, the slots, and the number of visual tokens."""

    width: int
    slots: tuple[int, ...]
    visual: int


class _Place:
    """The input and output buffers of a recording."""

    def __init__(self, key: _Key, network: Network, device: torch.device, dtype: torch.dtype) -> None:
        family, streams = network.family, len(key.slots)
        shape = family.language
        self.sizes = (key.width, key.width, key.visual, streams, streams, streams + 1)
        self.numbers = torch.zeros(sum(self.sizes), dtype=torch.int64, device=device)
        self.positions = torch.zeros(key.width, family.axes, device=device)
        self.features = torch.zeros(family.feature_layers, key.visual, shape.hidden_size, dtype=dtype, device=device)
        self.logits = torch.zeros(streams, shape.vocab_size, dtype=dtype, device=device)


class Prefill:
    """Runs the prefills of one engine."""

    def __init__(
        self,
        network: Network,
        language: FusedLanguage,
        cache: KVCache,
        kernels: CausalKernels | None,
        graphs: Graphs,
    ) -> None:
        """Without `kernels`, causality is enforced by masks."""
        self._network, self._language, self._cache = network, language, cache
        self._kernels, self._graphs = kernels, graphs
        self._places: dict[_Key, _Place] = {}

    def run(self, unread: Sequence[Unread]) -> Tensor:
        """Prefill the unread tokens, which stores their keys; logits ``[B, V]`` after the last token of each stream."""
        batch = _Batch.of(unread, self._cache.lengths)
        slots, kernels = batch.packed.slots, self._kernels
        batched = None if kernels is None or kernels.padded else kernels.batched
        beside = slots == tuple(range(slots[0], slots[0] + len(slots)))
        if self._graphs.enabled and batched is not None and beside and len(batch.ids) <= _FEW_TOKENS:
            key = _Key(-(-len(batch.ids) // _WIDTH) * _WIDTH, slots, len(batch.pads))
            if key in self._places or len(self._places) < _MOST_RECORDED:
                return self._replay(key, batched, batch)
        device = self._cache.keys.device
        hidden = self._network.embed(upload(batch.ids, device))
        deep = None
        if batch.features:
            rows, features = upload(batch.pads, device), _joined(batch.features)
            hidden.index_copy_(0, rows, features[0].to(hidden.dtype))
            deep = DeepFeatures.of(rows, features)
        cos, sin = ops.rotary_tables(upload(batch.positions.astype(np.float32), device), self._network.rotary)
        heads = self._network.family.language.num_attention_heads
        attention = CachedAttention(self._cache, batch.packed, cos, sin, heads=heads, kernels=self._kernels)
        with flash.steady():
            hidden = self._language(hidden, attention, deep)
        return self._language.logits(last_of_each(hidden, batch.packed))

    def _replay(self, key: _Key, batched: VarlenAttention, batch: _Batch) -> Tensor:
        cache, device = self._cache, self._cache.keys.device
        if key not in self._places:
            self._places[key] = _Place(key, self._network, device, cache.keys.dtype)
        place = self._places[key]
        rows = claim_rows(cache, batch.packed)
        missing = key.width - len(batch.ids)
        stops = np.cumsum(batch.packed.counts)
        held = [cache.lengths[slot] for slot in key.slots]
        parts = (batch.ids, [0] * missing, rows, [_NOWHERE] * missing, batch.pads, stops - 1, held, [0], stops)
        place.numbers.copy_(upload(np.concatenate(parts).astype(np.int64), device))
        positions = np.concatenate((batch.positions, np.zeros((missing, batch.positions.shape[1]))))
        place.positions.copy_(upload(positions.astype(np.float32), device))
        if key.visual:
            torch.cat(batch.features, dim=1, out=place.features)
        self._graphs.run(key, lambda: self._pass(key, place, batched))
        return place.logits.clone()

    def _pass(self, key: _Key, place: _Place, batched: VarlenAttention) -> None:
        """Compute from and to `place`. Outputs of padding are ignored and its keys not stored."""
        ids, rows, pads, ends, held, starts = place.numbers.split_with_sizes(place.sizes)
        slots, new = slice(key.slots[0], key.slots[-1] + 1), Lengths(starts.int(), key.width)
        lengths = held.int()
        hidden = self._network.embed(ids)
        deep = None
        if key.visual:
            hidden.index_copy_(0, pads, place.features[0])
            deep = DeepFeatures.of(pads, place.features)
        cos, sin = ops.rotary_tables(place.positions, self._network.rotary)

        def attend(layer: int, qkv: Tensor) -> Tensor:
            query = self._cache.store(layer, rows, qkv, cos, sin)
            return batched(query, *self._cache.read_all(layer, slots), new, lengths)

        hidden = self._language(hidden, attend, deep)
        place.logits.copy_(self._language.logits(hidden.index_select(0, ends)))


def _joined(features: Sequence[Tensor]) -> Tensor:
    return features[0] if len(features) == 1 else torch.cat(tuple(features), dim=1)
