"""The attention callback, which the network calls in each layer. Knows no family and no cache."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.compute.flash import Lengths, PackedAttention
from svlm_cli.compute.rotary import rotate


class Attend(Protocol):
    """The caller's positions, cache, mask and kernel."""

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor, /) -> Tensor:
        """``query`` ``[..., H, d]``, ``key`` and ``value`` ``[..., K, d]``, all unrotated -> ``[..., H, d]``."""
        ...


class PackedAttend(Protocol):
    """The same for the output of one fused QKV projection."""

    def __call__(self, layer: int, qkv: Tensor, /) -> Tensor:
        """``[N, (H + 2 K) d]``: queries, keys and values, all unrotated -> ``[N, H, d]``."""
        ...


class WholeSequence:
    """The `Attend` of whole sequences: every token attends to itself and those before it.

    Without a mask, padding must come last, so that no real token sees it.
    """

    def __init__(self, cos: Tensor, sin: Tensor, mask: Tensor | None = None) -> None:
        self._cos, self._sin, self._mask = cos, sin, mask

    def __call__(self, _layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        groups = query.shape[-2] // key.shape[-2]
        query, key = rotate(query, self._cos, self._sin), rotate(key, self._cos, self._sin)
        if self._mask is not None and groups > 1:  # no memory-efficient kernel supports both a mask and grouped heads
            key, value = key.repeat_interleave(groups, dim=-2), value.repeat_interleave(groups, dim=-2)
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))  # [B, H, S, d]
        output = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=self._mask,
            is_causal=self._mask is None,
            enable_gqa=self._mask is None and groups > 1,
        )
        return output.transpose(1, 2)


class PackedSequences:
    """The `Attend` of packed sequences of any lengths: each is causal within itself."""

    def __init__(
        self, cos: Tensor, sin: Tensor, lengths: Lengths, bounds: Sequence[int], kernel: PackedAttention | None
    ) -> None:
        """`lengths` (on the device) and `bounds` (on the host) both say where sequences begin and where the last ends.

        Without a kernel, sequences are computed one by one.
        """
        self._cos, self._sin, self._lengths, self._bounds, self._kernel = cos, sin, lengths, bounds, kernel

    def __call__(self, _layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """``[N, H, d]`` and ``[N, K, d]`` twice -> ``[N, H, d]``."""
        query, key = rotate(query, self._cos, self._sin), rotate(key, self._cos, self._sin)
        if self._kernel is not None:
            return self._kernel(query, key, value, self._lengths)
        parts = [slice(start, stop) for start, stop in pairwise(self._bounds) if start < stop]
        return torch.cat([_causal(query[part], key[part], value[part]) for part in parts])


def _causal(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention within one sequence."""
    query, key, value = (x.transpose(0, 1)[None] for x in (query, key, value))  # [1, H, S, d]
    output = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=query.shape[1] > key.shape[1])
    return output.squeeze(0).transpose(0, 1)
