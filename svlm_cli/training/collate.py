"""Packs windows into one batch, with descriptions of their pictures.

Shapes vary little between batches: lengths are padded to multiples, to avoid recompilation. Everything that would need
a search on the device (where pictures go, which tokens are trained on) is found here, on the host. Knows no network.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.layout import IGNORED, Role, WindowTokens
from svlm_cli.training.runs import ViewRuns
from svlm_cli.training.view_batch import RunBatch, padded
from svlm_cli.training.views import whole_view

LENGTH_MULTIPLE = 128  # tokens of a batch
TARGET_MULTIPLE = 512  # trained tokens of a batch


class Pictures(Protocol):
    """The pictures of a batch, in the order of its rows."""

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, list[Grid]]:
        """Patches and grids for `Network.look`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """B windows, S tokens in total, N of them trained on. The padding at the end is a sequence of its own."""

    ids: Tensor  # [S]
    positions: Tensor  # [S, A] float32
    starts: Tensor  # [B + 2] int32: the first token of each window and of the padding, then S
    pads_at: Tensor  # [P] indices into [S] that are filled by pictures
    targets_at: Tensor  # [N] indices into [S] from which a trained token is predicted
    targets: Tensor  # [N] that token; IGNORED for padding
    roles: Tensor  # [N] `Role`
    bounds: tuple[int, ...]  # `starts` on the host
    views: RunBatch | None = None  # set if windows are trained in streaming layout
    cells: Tensor | None = None  # what moves at each visual token, or IGNORED; first the P of `pads_at`; or not trained

    @property
    def longest(self) -> int:
        """The number of tokens in the longest window."""
        return max(stop - start for start, stop in pairwise(self.bounds))

    def to(self, device: torch.device) -> Self:
        """Copy to a device; from pinned memory without waiting."""
        return self._changed(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> Self:
        """Copy to pinned memory, from which a GPU copies asynchronously."""
        return self._changed(torch.Tensor.pin_memory)

    def tensors(self) -> Iterator[Tensor]:
        """All tensors."""
        yield from _values(self)
        yield from () if self.views is None else _values(self.views)

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        views = None if self.views is None else replace(self.views, **_changes(self.views, change))
        return replace(self, **_changes(self, change), views=views)


def _values(batch: RunBatch | TokenBatch) -> Iterator[Tensor]:
    return (value for one in fields(batch) if isinstance(value := getattr(batch, one.name), Tensor))


def _changes(batch: RunBatch | TokenBatch, change: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    values = ((one.name, getattr(batch, one.name)) for one in fields(batch))
    return {name: change(value) for name, value in values if isinstance(value, Tensor)}


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The input of one forward pass."""

    tokens: TokenBatch
    pictures: Pictures
    count: int  # tokens, without padding
    learned: int  # those that are trained on


def collate(windows: Sequence[WindowTokens], pictures: Pictures) -> Batch:
    """Pack the windows in order. Those without tokens, of which only the pictures are looked at, come last."""
    cells, axes = [one.cells for one in windows if one.cells is not None], windows[0].positions.shape[1]
    windows = [window for window in windows if len(window)]
    bounds = np.cumsum([0, *map(len, windows)]).tolist()
    count = bounds[-1]
    length = padded(max(count, 1), LENGTH_MULTIPLE)
    padding = np.zeros((length - count, axes), np.float32)
    learned = [np.flatnonzero(window.roles != Role.NONE) for window in windows]
    found = sum(map(len, learned))
    missing = padded(max(found, 1), TARGET_MULTIPLE) - found
    placed = [*zip(windows, bounds, learned, strict=False)]
    tokens = TokenBatch(
        _integers([*(window.ids for window in windows), np.zeros(length - count, np.int64)]),
        torch.from_numpy(np.concatenate([*(window.positions for window in windows), padding])),
        torch.tensor([*bounds, length], dtype=torch.int32),
        _integers([start + window.pads for window, start, _ in placed]),
        _integers([*(start + at - 1 for _, start, at in placed), np.arange(missing) % length]),
        _integers([*(window.targets[at] for window, _, at in placed), np.full(missing, IGNORED)]),
        _integers([*(window.roles[at] for window, _, at in placed), np.full(missing, Role.NONE)]),
        (*bounds, length),
        _views(windows, bounds) if any(window.views is not None for window in windows) else None,
        _integers(cells) if cells else None,
    )
    return Batch(tokens, pictures, count, found)


def _views(windows: Sequence[WindowTokens], starts: Sequence[int]) -> RunBatch:
    views = [one.views or ViewRuns.of(whole_view(one.positions), len(one))[0] for one in windows]
    return RunBatch.of(views, starts[: len(views)])


def _integers(parts: Sequence[np.typing.NDArray[np.integer]]) -> Tensor:
    return torch.from_numpy(np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64))
