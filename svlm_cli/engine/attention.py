"""Attention of new tokens over the cache, for any subset of streams with ragged lengths.

`CachedAttention` is what the network calls in each layer of a streaming forward: it rotates, stores, and attends.
Knows neither what the tokens mean nor why others were evicted.
"""

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from svlm_cli.engine.cache import KVCache, Rotate


@dataclass(frozen=True, slots=True)
class Ragged:
    """New tokens of several streams, packed one stream after the other."""

    slots: tuple[int, ...]
    counts: tuple[int, ...]  # new tokens of each slot

    @property
    def ends(self) -> list[int]:
        """Where each stream's tokens end in the packed batch."""
        return list(accumulate(self.counts))


def causal_mask(n: int, m: int, device: torch.device) -> Tensor | None:
    """Which of ``m`` keys each of the last ``n`` tokens sees, ``[n, m]``; None where a lone token sees all."""
    return torch.ones(n, m, dtype=torch.bool, device=device).tril(m - n) if n > 1 else None


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """`query` ``[n, H, D]`` over `keys` and `values` ``[m, K, D]``, ``H`` a multiple of ``K``; as `query` comes out."""
    q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in (query, keys, values))
    grouped = query.shape[1] != keys.shape[1]
    out = scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)
    return out.squeeze(0).transpose(0, 1)


class CachedAttention:
    """The `Attend` of one streaming forward: claims the new tokens' room in the cache and fills it layer by layer."""

    def __init__(self, cache: KVCache, batch: Ragged, cos: Tensor, sin: Tensor, rotate: Rotate) -> None:
        self._cache = cache
        self._batch = batch
        self._cos, self._sin, self._rotate = cos, sin, rotate
        device = cache.keys.device
        rows = [row for slot, count in zip(batch.slots, batch.counts, strict=True) for row in cache.rows(slot, count)]
        self._rows = torch.tensor(rows).to(device, non_blocking=True)
        self._masks = [
            causal_mask(count, cache.lengths[slot], device)
            for slot, count in zip(batch.slots, batch.counts, strict=True)
        ]

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor, /) -> Tensor:
        """`query` ``[N, H, D]``, `key` and `value` ``[N, K, D]``, unrotated; returns ``[N, H, D]``."""
        cache = self._cache
        cache.write(layer, self._rows, key, self._rotate(key, self._cos, self._sin), value)
        queries = torch.split(self._rotate(query, self._cos, self._sin), list(self._batch.counts))
        out = []
        for slot, own, mask in zip(self._batch.slots, queries, self._masks, strict=True):
            length = cache.lengths[slot]
            out.append(attend(own, cache.rotated_keys[layer, slot, :length], cache.values[layer, slot, :length], mask))
        return torch.cat(out)


def last_of_each(packed: Tensor, batch: Ragged) -> Tensor:
    """The last token of each stream in a packed ``[N, D]``: ``[B, D]``."""
    return packed[torch.tensor(batch.ends, device=packed.device) - 1]
