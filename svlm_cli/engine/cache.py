"""Keys and values of all open streams: one slot a stream, allocated once.

Keys are kept before rotation, so that they can be rotated for new positions without error, and once more as rotated
for the positions of now. Tokens lie in their order, without holes. Knows no policy and decides nothing.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rotate = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`rotate(x [..., H, D], cos, sin)`: the network's rotary embedding."""


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
        self.keys = torch.zeros(shape, device=device, dtype=dtype)  # before rotation
        self.rotated_keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.lengths = [0] * slots

    @property
    def capacity(self) -> int:
        """Tokens a slot has room for."""
        return self.keys.shape[2]

    def clear(self, slot: int) -> None:
        """Forget all tokens of a slot."""
        self.lengths[slot] = 0

    def rows(self, slot: int, count: int) -> range:
        """Claim `count` further tokens of a slot: their rows in the flattened pool ``[L, S * C, K, D]``."""
        start = self.lengths[slot]
        assert start + count <= self.capacity, "room is checked before a round begins"
        self.lengths[slot] = start + count
        return range(slot * self.capacity + start, slot * self.capacity + start + count)

    def write(self, layer: int, rows: Tensor, key: Tensor, rotated_key: Tensor, value: Tensor) -> None:
        """Store one layer's ``[N, K, D]`` at flattened `rows` ``[N]``."""
        for pool, new in ((self.keys, key), (self.rotated_keys, rotated_key), (self.values, value)):
            pool[layer].flatten(0, 1).index_copy_(0, rows, new)

    def keep(self, slot: int, order: NDArray[np.int64]) -> None:
        """Keep the tokens `order` of a slot, in that order. They are to be re-rotated afterwards.

        One pass over what moves; the unchanged front (system and sink) stays where it is.
        """
        moved = np.flatnonzero(order != np.arange(len(order)))
        first = int(moved[0]) if len(moved) else len(order)
        if first < len(order):
            source = torch.from_numpy(order[first:]).to(self.keys.device, non_blocking=True)
            for pool in (self.keys, self.values):
                pool[:, slot, first : len(order)] = pool[:, slot].index_select(1, source)
        self.lengths[slot] = len(order)

    def rerotate(self, slot: int, cos: Tensor, sin: Tensor, rotate: Rotate) -> None:
        """Rotate a slot's keys anew for the angles of its tokens, `cos` and `sin` of ``[N, ...]``."""
        length = self.lengths[slot]
        for layer in range(self.keys.shape[0]):  # a layer at a time: no copy of the whole slot
            self.rotated_keys[layer, slot, :length] = rotate(self.keys[layer, slot, :length], cos, sin)
