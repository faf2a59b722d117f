"""Keys and values of all open streams: one slot per stream, allocated once.

Keys are stored twice: unrotated, so that they can be rotated to new positions without rounding errors adding up, and
rotated for their current positions. Tokens are contiguous and in order. Knows no policy and decides nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svlm_cli.compute import ops
from svlm_cli.compute.route import CopyRange


@dataclass(frozen=True, slots=True)
class Move:
    """Tokens of a slot to be moved to `start` and on, in this order; `stretches` are where they are now."""

    slot: int
    start: int
    stretches: tuple[range, ...]

    @property
    def count(self) -> int:
        """The number of tokens to move."""
        return sum(map(len, self.stretches))


@dataclass(frozen=True, slots=True)
class _Layer:
    """Views of one layer of the pools: over all slots as ``[S * C, K, D]``, and by head as ``[S, K, C, D]``."""

    keys: Tensor
    rotated_keys: Tensor
    values: Tensor
    rotated_keys_by_head: Tensor
    values_by_head: Tensor


class KVCache:
    """A pool of slots, each with room for `capacity` tokens. Memory never grows after construction.

    All three pools are ``[L, S, C, K, D]``: layers, slots, capacity, key-value heads, head size.
    """

    def __init__(
        self,
        *,
        layers: int,
        slots: int,
        capacity: int,
        heads: int,
        head_size: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        shape = (layers, slots, capacity, heads, head_size)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)  # unrotated
        self.rotated_keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.lengths = [0] * slots
        by_row = (pool.flatten(1, 2) for pool in (self.keys, self.rotated_keys, self.values))
        by_head = (pool.transpose(2, 3) for pool in (self.rotated_keys, self.values))
        self._layers = [_Layer(*views) for views in zip(*by_row, *by_head, strict=True)]

    @property
    def capacity(self) -> int:
        """Tokens per slot."""
        return self.keys.shape[2]

    def clear(self, slot: int) -> None:
        """Forget all tokens of a slot.

        Streams that share an attention call read past each other's ends with weight 0, so those values must be finite,
        even if a stream has overflowed.
        """
        self.lengths[slot] = 0
        self.rotated_keys[:, slot] = 0
        self.values[:, slot] = 0

    def copy(self, source: int, target: int) -> None:
        """Copy the tokens of one slot to another."""
        length = self.lengths[target] = self.lengths[source]
        for pool in (self.keys, self.rotated_keys, self.values):
            pool[:, target, :length] = pool[:, source, :length]

    def claim(self, slot: int, count: int) -> NDArray[np.int64]:
        """Claim `count` more rows of a slot; return their indices over all slots, ``S * C``."""
        start = self.lengths[slot]
        assert start + count <= self.capacity, "room is checked before a round begins"
        self.lengths[slot] = start + count
        return slot * self.capacity + np.arange(start, start + count)

    def store(self, layer: int, rows: Tensor, qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Store one layer's keys and values at `rows` ``[N]`` over all slots; return the rotated queries ``[N, H, D]``.

        `qkv` is ``[N, (H + 2 K) D]``; `cos` and `sin` ``[N, 1, D]`` are its rotary tables.
        """
        pools = self._layers[layer]
        return ops.rotate_and_store(qkv, cos, sin, rows, pools.keys, pools.rotated_keys, pools.values)

    def read(self, layer: int, slots: slice, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` rotated keys and values of neighbouring `slots`, each ``[S, K, length, D]``."""
        pools = self._layers[layer]
        return pools.rotated_keys_by_head[slots, :, :length], pools.values_by_head[slots, :, :length]

    def read_one(self, layer: int, slot: int, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` rotated keys and values of one slot, each ``[length, K, D]``."""
        return self.rotated_keys[layer, slot, :length], self.values[layer, slot, :length]

    def read_all(self, layer: int, slots: slice) -> tuple[Tensor, Tensor]:
        """Rotated keys and values of neighbouring `slots`, each ``[S, C, K, D]``, whatever their lengths."""
        return self.rotated_keys[layer, slots], self.values[layer, slots]

    def keep(self, slot: int, stretches: Sequence[range]) -> Move:
        """Keep only the tokens in `stretches` of a slot, in that order; return the move that must come first.

        The front that stays in place (system prompt and sink) is not part of the move.
        """
        if not stretches:
            self.clear(slot)
        start = len(stretches[0]) if stretches and not stretches[0].start else 0
        self.lengths[slot] = sum(map(len, stretches))
        return Move(slot, start, tuple(stretches[1:] if start else stretches))

    def move(self, moves: Sequence[Move], cos: Tensor, sin: Tensor) -> None:
        """Move tokens in any slots and rotate their keys anew; `cos` and `sin` list the tokens move by move."""
        keys, rotated_keys, values = (pool.flatten(1, 2) for pool in (self.keys, self.rotated_keys, self.values))
        slots = [list(self._runs(move)) for move in moves]
        ops.move(keys, rotated_keys, values, slots, cos, sin)

    def _runs(self, move: Move) -> Iterator[CopyRange]:
        first, target = move.slot * self.capacity, move.start
        for stretch in move.stretches:
            yield CopyRange(first + stretch.start, first + target, len(stretch))
            target += len(stretch)
