"""Windows -> one right-padded batch, and what its pictures are made of.

Shapes change little from batch to batch: lengths are padded to a multiple, so that compiled code is not compiled
anew. Everything that the device would have to look for (where pictures go, which tokens are learned) is found here,
on the host. Knows no network.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from svlm_cli.engine.qwen2_5_vl.preprocess import Preprocessor
from svlm_cli.engine.qwen2_5_vl.vision import Grid
from svlm_cli.training.layout import Role, WindowTokens

LENGTH_MULTIPLE = 128  # tokens of a row
TARGET_MULTIPLE = 512  # learned tokens of a batch
IGNORED = -100  # the target of padding, as `cross_entropy` knows it


class Pictures(Protocol):
    """The pictures of a batch, in the order of its rows."""

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, list[Grid]]:
        """Patches and grids for `VisionTower`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """B windows of at most S tokens, N learned tokens. Padding comes last, so causal attention needs no mask."""

    ids: Tensor  # [B, S]
    positions: Tensor  # [B, S, 3] float32
    pads_at: Tensor  # [P] rows of [B * S] that the pictures fill
    targets_at: Tensor  # [N] rows of [B * S] from which a learned token is predicted
    targets: Tensor  # [N] that token, IGNORED in padding
    roles: Tensor  # [N] `Role`

    def to(self, device: torch.device) -> Self:
        """On a device; from pinned memory without waiting."""
        return type(self)(*(getattr(self, one.name).to(device, non_blocking=True) for one in fields(self)))

    def pinned(self) -> Self:
        """In memory from which a GPU can copy by itself."""
        return type(self)(*(getattr(self, one.name).pin_memory() for one in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one forward pass learns from."""

    tokens: TokenBatch
    pictures: Pictures
    count: int  # real tokens
    learned: int  # of them


def collate(windows: Sequence[WindowTokens], pictures: Pictures) -> Batch:
    """The windows in order, one a row."""
    length = _padded(max(map(len, windows)), LENGTH_MULTIPLE)
    ids = np.zeros((len(windows), length), np.int64)
    positions = np.zeros((len(windows), length, 3), np.float32)
    pads, where, targets, roles = [], [], [], []
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window.ids
        positions[row, : len(window)] = window.positions
        learned = np.flatnonzero(window.roles != Role.NONE)
        pads.append(row * length + window.pads)
        where.append(row * length + learned - 1)
        targets.append(window.targets[learned])
        roles.append(window.roles[learned])
    count = sum(map(len, where))
    missing = _padded(count, TARGET_MULTIPLE) - count
    tokens = TokenBatch(
        torch.from_numpy(ids),
        torch.from_numpy(positions),
        _integers(pads),
        _integers([*where, np.arange(missing) % length]),
        _integers([*targets, np.full(missing, IGNORED)]),
        _integers([*roles, np.full(missing, Role.NONE)]),
    )
    return Batch(tokens, pictures, sum(map(len, windows)), count)


def _padded(count: int, multiple: int) -> int:
    return math.ceil(count / multiple) * multiple


def _integers(parts: Sequence[np.typing.NDArray[np.integer]]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))
