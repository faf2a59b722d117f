"""The views of a batch: sent to the device as runs of tokens, and written out there. Knows no window and no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from svlm_cli.training.runs import ViewRuns

KEY_MULTIPLE = 128  # keys of a view
QUERY_MULTIPLE = 16  # queries of a view


@dataclass(frozen=True, slots=True, eq=False)
class ViewBatch:
    """The rounds of a batch and what each sees: V views (`View`), padded to m keys and n queries, of S tokens."""

    keys: Tensor  # [V * m] indices into [S]
    positions: Tensor  # [V, m, A] float32
    queries: Tensor  # [V * n] which of the keys are also queries
    last: Tensor  # [V, n] the last key that each query sees in its view; padding sees one: a softmax over none is NaN
    answered: Tensor  # [Q] indices into [V * n] that are not padding
    rows: Tensor  # [Q] their indices in [S]


@dataclass(frozen=True, slots=True, eq=False)
class RunBatch:
    """The same in R runs (`ViewRuns`): as small as what is sent to a device should be."""

    starts: Tensor  # [R] indices into [S]
    lengths: Tensor  # [R]
    moved: Tensor  # [R, A] float64
    places: Tensor  # [R] the index in [V * m] of each run's first token
    seen: Tensor  # [V] how many tokens each view sees
    asking: Tensor  # [V] how many of them, its last, are queries
    size: tuple[int, int]  # m and n
    counts: tuple[int, int]  # the sums of `lengths` and `asking`

    @classmethod
    def of(cls, windows: Sequence[ViewRuns], offsets: Sequence[int]) -> Self:
        """Join the views of windows whose tokens begin at these offsets."""
        every = ViewRuns.join(windows, offsets)
        rounds = every.asking[~every.opens]  # the opening of a sequence may be much longer, and is split
        n = padded((rounds if len(rounds) else every.asking).max(), QUERY_MULTIPLE)
        every = every.split(n)
        seen = every.keys()
        m = padded(seen.max(), KEY_MULTIPLE)
        before = np.cumsum(every.lengths) - every.lengths  # tokens in all runs before
        begin = np.repeat(np.arange(len(every)) * m - (np.cumsum(seen) - seen), every.runs)
        return cls(
            _integers(every.starts),
            _integers(every.lengths),
            torch.from_numpy(every.moved),
            _integers(begin + before),
            _integers(seen),
            _integers(every.asking),
            (m, n),
            (int(seen.sum()), int(every.asking.sum())),
        )

    def written_out(self, own: Tensor) -> ViewBatch:
        """All keys, positions and queries, on the device, given the tokens' own positions ``[S, A]``."""
        views, (m, n), (seen, asking) = len(self.seen), self.size, self.counts
        run, within = _places(self.lengths, seen)
        tokens, at = self.starts[run] + within, self.places[run] + within
        keys = tokens.new_zeros(views * m).index_copy(0, at, tokens)
        moved = own.double().index_select(0, tokens) + self.moved.index_select(0, run)
        positions = own.new_zeros(views * m, own.shape[1]).index_copy(0, at, moved.to(own.dtype))
        view, within = _places(self.asking, asking)
        answered = view * n + within
        seen_last = (self.seen - self.asking)[view] + within
        last = tokens.new_zeros(views * n).index_copy(0, answered, seen_last)
        queries = last + (torch.arange(views, device=last.device) * m).repeat_interleave(n)
        rows = keys.index_select(0, queries.index_select(0, answered))
        return ViewBatch(keys, positions.view(views, m, -1), queries, last.view(views, n), answered, rows)

    def pairs(self) -> float:
        """How many pairs of a query and a key it sees there are."""
        seen, asking = self.seen.double(), self.asking.double()
        return float((asking * (seen - (asking - 1) / 2)).sum())


def _places(lengths: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """For so many items, in groups of these lengths: the group of each, and its place there."""
    groups = torch.arange(len(lengths), device=lengths.device)
    group = groups.repeat_interleave(lengths, output_size=total)
    first = lengths.cumsum(0) - lengths
    return group, torch.arange(total, device=lengths.device) - first.index_select(0, group)


def padded(count: int, multiple: int) -> int:
    """The next multiple, or `count` if it is one."""
    return -(-int(count) // multiple) * multiple


def _integers(values: np.typing.NDArray[np.integer]) -> Tensor:
    return torch.from_numpy(values.astype(np.int64))
