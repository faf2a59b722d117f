"""The views of a window, as runs of tokens. Runs in worker processes: no torch here.

What a round sees is a few dozen stretches of its window, and within each, all positions have moved by the same amount.
Token by token, views would be most of what workers send, and of what is copied to a GPU.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from svlm_cli.training.views import View


@dataclass(frozen=True, slots=True, eq=False)
class ViewRuns:
    """V views in R runs, those of each view one after another. Nothing is rounded."""

    starts: NDArray[np.int32]  # [R] the first token of each run, in the window
    lengths: NDArray[np.int32]  # [R]
    moved: NDArray[np.float64]  # [R, A] what is added to the tokens' own positions
    runs: NDArray[np.int32]  # [V] how many each view has
    asking: NDArray[np.int32]  # [V] see `View`
    opens: NDArray[np.bool_]  # [V] see `View`

    @classmethod
    def of(cls, views: Iterable[View], tokens: int) -> tuple[Self, NDArray[np.float32]]:
        """The views of a window of so many tokens; also each token's own position, ``[S, A]``: where it is a query."""
        views = tuple(views)
        own = np.zeros((tokens, views[0].positions.shape[1]), np.float32)
        for view in views:
            asked = len(view.keys) - view.asking
            own[view.keys[asked:]] = view.positions[asked:]
        pieces = [_runs(view, own) for view in views]
        starts, lengths, moved = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        runs = np.array([len(piece[0]) for piece in pieces], np.int32)
        asking, opens = ([getattr(view, name) for view in views] for name in ("asking", "opens"))
        return cls(starts, lengths, moved, runs, np.array(asking, np.int32), np.array(opens, np.bool_)), own

    @classmethod
    def join(cls, parts: Sequence[Self], offsets: Sequence[int] | NDArray[np.integer]) -> Self:
        """The views of several windows, whose tokens begin at these offsets."""
        starts = [part.starts + np.int32(offset) for part, offset in zip(parts, offsets, strict=True)]
        rest = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("lengths", "moved", "runs", "asking", "opens")
        )
        return cls(np.concatenate(starts), *rest)

    def __len__(self) -> int:
        return len(self.asking)

    def keys(self) -> NDArray[np.int64]:
        """``[V]``: how many tokens each sees."""
        return np.add.reduceat(self.lengths, self._first(), dtype=np.int64)

    def split(self, most: int) -> Self:
        """The same, where each view has at most `most` queries: those with more become several."""
        long = np.flatnonzero(self.asking > most)
        if not len(long):
            return self
        first, parts, done = self._first(), list[Self](), 0
        for view in long.tolist():
            parts.append(self._part(done, view))
            parts += self._pieces(first[view], view, most)
            done = view + 1
        return self.join([*parts, self._part(done, len(self))], [0] * (len(parts) + 1))

    def _pieces(self, first: int, view: int, most: int) -> Iterator[Self]:
        """A view in pieces of `most` queries, of which each sees what it saw."""
        at = slice(first, first + self.runs[view])
        ends = np.cumsum(self.lengths[at])
        queries = int(self.asking[view])
        for start in range(0, queries, most):
            asking = min(most, queries - start)
            stop = int(ends[-1]) - queries + start + asking
            runs = int(np.searchsorted(ends, stop)) + 1
            lengths = self.lengths[at][:runs].copy()
            lengths[-1] -= ends[runs - 1] - stop
            yield type(self)(
                self.starts[at][:runs],
                lengths,
                self.moved[at][:runs],
                np.array([runs], np.int32),
                np.array([asking], np.int32),
                np.zeros(1, np.bool_),
            )

    def _part(self, start: int, stop: int) -> Self:
        """The views from `start` to `stop`."""
        ends = np.cumsum(np.append(0, self.runs))
        runs = slice(ends[start], ends[stop])
        return type(self)(
            self.starts[runs],
            self.lengths[runs],
            self.moved[runs],
            self.runs[start:stop],
            self.asking[start:stop],
            self.opens[start:stop],
        )

    def _first(self) -> NDArray[np.int64]:
        """``[V]``: the first run of each."""
        return np.cumsum(self.runs, dtype=np.int64) - self.runs


def _runs(view: View, own: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Starts, lengths and movements of a view's runs; a difference of two float32 is exact in float64."""
    moved = view.positions.astype(np.float64) - own[view.keys]
    breaks = (np.diff(view.keys) != 1) | (np.diff(moved, axis=0) != 0).any(1)
    first = np.append(0, np.flatnonzero(breaks) + 1)
    lengths = np.diff(first, append=len(view.keys))
    return view.keys[first], lengths.astype(np.int32), moved[first]
