"""New tokens of several streams through the language model: what a round reads before it speaks.

Few tokens take the host longer to start than the device to compute, so that is recorded, where there is an attention
kernel that reads lengths from the device. Knows no video and no words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute import flash, ops
from svlm_cli.compute.device import upload
from svlm_cli.compute.flash import CausalKernels, Lengths, VarlenAttention
from svlm_cli.compute.graphs import Graphs
from svlm_cli.engine.attention import CachedAttention, Ragged, claim_rows, last_of_each
from svlm_cli.engine.cache import KVCache
from svlm_cli.engine.positions import Positions
from svlm_cli.networks.qwen2_5_vl.fused_language import FusedLanguage
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL

_FEW_TOKENS = 1024  # beyond, starting the kernels one by one takes less time than they do
_WIDTH = 32  # recordings have so many tokens, or a multiple of that; what is left over is padding
_MOST_RECORDED = 8  # a recording keeps its memory
_NOWHERE = -1  # the row of a token whose keys are not stored: they may be no numbers, and kernels read past ends


@dataclass(frozen=True, slots=True)
class _Key:
    """What a recording depends on: `width` tokens at most, of these slots, so many of them seen."""

    width: int
    slots: tuple[int, ...]
    seen: int


class _Place:
    """Where a recorded pass reads and writes."""

    def __init__(self, key: _Key, size: int, vocabulary: int, device: torch.device, dtype: torch.dtype) -> None:
        streams = len(key.slots)
        self.sizes = (key.width, key.width, key.seen, streams, streams, streams + 1)
        self.numbers = torch.zeros(sum(self.sizes), dtype=torch.int64, device=device)
        self.positions = torch.zeros(key.width, 3, device=device)
        self.features = torch.zeros(key.seen, size, dtype=dtype, device=device)
        self.logits = torch.zeros(streams, vocabulary, dtype=dtype, device=device)


class Reader:
    """The prefills of one engine."""

    def __init__(
        self,
        model: Qwen2_5VL,
        language: FusedLanguage,
        cache: KVCache,
        kernels: CausalKernels | None,
        graphs: Graphs,
    ) -> None:
        """Without `kernels` masks say who sees what."""
        self._model, self._language, self._cache = model, language, cache
        self._kernels, self._graphs = kernels, graphs
        self._places: dict[_Key, _Place] = {}

    def read(
        self, batch: Ragged, ids: Sequence[int], where: Positions, pads: Sequence[int], features: Sequence[Tensor]
    ) -> Tensor:
        """Logits ``[B, V]`` after the last new token of each stream; all get their keys.

        `ids` and their positions `where` ``[N, 3]`` are packed one stream after the other; those at `pads` are
        replaced by the rows of `features`.
        """
        together = None if self._kernels is None or self._kernels.padded else self._kernels.batched
        beside = batch.slots == tuple(range(batch.slots[0], batch.slots[0] + len(batch.slots)))
        if self._graphs.enabled and together is not None and beside and len(ids) <= _FEW_TOKENS:
            key = _Key(-(-len(ids) // _WIDTH) * _WIDTH, batch.slots, len(pads))
            if key in self._places or len(self._places) < _MOST_RECORDED:
                return self._replay(key, together, batch, ids, where, pads, features)
        device = self._cache.keys.device
        hidden = self._model.embed(upload(ids, device))
        if features:
            hidden = hidden.index_copy_(0, upload(pads, device), torch.cat(tuple(features)).to(hidden.dtype))
        cos, sin = ops.rotary_tables(upload(where.astype(np.float32), device), self._model.language.rotary)
        heads = self._model.config.text.num_attention_heads
        attention = CachedAttention(self._cache, batch, cos, sin, heads=heads, kernels=self._kernels)
        with flash.steady():
            hidden = self._language(hidden, attention)
        return self._language.logits(last_of_each(hidden, batch))

    def _replay(
        self,
        key: _Key,
        together: VarlenAttention,
        batch: Ragged,
        ids: Sequence[int],
        where: Positions,
        pads: Sequence[int],
        features: Sequence[Tensor],
    ) -> Tensor:
        cache, text = self._cache, self._model.config.text
        if key not in self._places:
            self._places[key] = _Place(key, text.hidden_size, text.vocab_size, cache.keys.device, cache.keys.dtype)
        place = self._places[key]
        rows = claim_rows(cache, batch)
        missing = key.width - len(ids)
        stops = np.cumsum(batch.counts)
        held = [cache.lengths[slot] for slot in batch.slots]
        parts = (ids, [0] * missing, rows, [_NOWHERE] * missing, pads, stops - 1, held, [0], stops)
        place.numbers.copy_(upload(np.concatenate(parts).astype(np.int64), cache.keys.device))
        positions = np.concatenate((where, np.zeros((missing, 3)))).astype(np.float32)
        place.positions.copy_(upload(positions, cache.keys.device))
        if key.seen:
            torch.cat(tuple(features), out=place.features)
        self._graphs.run(key, lambda: self._pass(key, place, together))
        return place.logits.clone()

    def _pass(self, key: _Key, place: _Place, together: VarlenAttention) -> None:
        """From `place` to `place`. Padding computes what nobody reads; its keys go nowhere."""
        ids, rows, pads, last, held, starts = place.numbers.split_with_sizes(place.sizes)
        slots, new = slice(key.slots[0], key.slots[-1] + 1), Lengths(starts.int(), key.width)
        lengths = held.int()
        hidden = self._model.embed(ids)
        if key.seen:
            hidden.index_copy_(0, pads, place.features)
        cos, sin = ops.rotary_tables(place.positions, self._model.language.rotary)

        def attend(layer: int, qkv: Tensor) -> Tensor:
            query = self._cache.store(layer, rows, qkv, cos, sin)
            return together(query, *self._cache.read_all(layer, slots), new, lengths)

        hidden = self._language(hidden, attend)
        place.logits.copy_(self._language.logits(hidden.index_select(0, last)))
