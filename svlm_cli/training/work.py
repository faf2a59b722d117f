"""How much work a step is: the model's FLOPs, from the tokens and pictures that were really learned.

They are a sum: so much for each token, for each pair of tokens that attend, for each learned token, and for each frame
pair of a size. What each of these costs is found once, by `model_flops` on passes without data, so it is what that
counts for whatever a family's networks compute, down to rounding. Padding is no work, nor is what is computed again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from svlm_cli.networks.family import Family, Grid
from svlm_cli.training.budget import PassShape, as_learned, model_flops
from svlm_cli.training.collate import Batch, TokenBatch
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.recipe import Recipe

_LENGTH = 16  # tokens of a window that is tried; a whole number comes out, so none is too small


@dataclass(frozen=True, slots=True)
class _Prices:
    """FLOPs, forwards and backwards."""

    token: float
    pair: float  # of tokens, of which one attends to the other
    learned: float  # token, for its logits


class WorkCount:
    """Counts the work of batches. To be made by the thread that trains: the network that it tries draws its weights."""

    def __init__(self, family: Family, recipe: Recipe) -> None:
        with torch.device("meta"):
            network = family.network()
        self._network: LearningNetwork = as_learned(network, recipe)[0].eval()
        self._axes = family.axes
        self._frame_pairs: dict[tuple[int, int], float] = {}
        self._patch_size = 0
        self._tokens_a_patch = 0.0

    def of(self, batch: Batch, grids: Sequence[Grid], patch_size: int) -> float:
        """The FLOPs of a batch whose pictures have those grids of patches, each of so many numbers."""
        if not batch.learned:
            return 0.0  # nothing comes of it
        self._patch_size = patch_size
        self._tokens_a_patch = len(batch.tokens.pads_at) / sum(map(math.prod, grids))
        looking = sum(pairs * self._frame_pair(rows, columns) for pairs, rows, columns in grids)
        prices = self._prices
        return (
            looking
            + prices.token * batch.count
            + prices.pair * _attending(batch.tokens, batch.count)
            + prices.learned * batch.learned
        )

    @cached_property
    def _prices(self) -> _Prices:
        one, two = self._tried([_LENGTH]), self._tried([_LENGTH, _LENGTH])
        pair = (self._tried([2 * _LENGTH]) - two) / _LENGTH**2  # causal: half of the square attends
        learned = self._tried([_LENGTH], learned=2) - one
        return _Prices((two - one) / _LENGTH - pair * _LENGTH / 2, pair, learned)

    def _frame_pair(self, rows: int, columns: int) -> float:
        """Frame pairs do not see one another."""
        if (rows, columns) not in self._frame_pairs:
            once, twice = (self._tried([_LENGTH], grid=(pairs, rows, columns)) for pairs in (1, 2))
            self._frame_pairs[rows, columns] = twice - once
        return self._frame_pairs[rows, columns]

    def _tried(self, lengths: Sequence[int], learned: int = 1, grid: Grid | None = None) -> float:
        """Of a pass of windows so long; pictures that nobody names are the same in all passes."""
        grid = grid or (1, *next(iter(self._frame_pairs)))
        bounds = np.cumsum([0, *lengths]).tolist()
        shown = round(math.prod(grid) * self._tokens_a_patch)
        nothing = torch.zeros(learned, dtype=torch.int64)
        tokens = TokenBatch(
            torch.zeros(bounds[-1], dtype=torch.int64),
            torch.zeros(bounds[-1], self._axes),
            torch.tensor(bounds, dtype=torch.int32),
            torch.zeros(shown, dtype=torch.int64),
            nothing,
            nothing,
            nothing,
            tuple(bounds),
        )
        with torch.enable_grad():
            return model_flops(self._network, PassShape(tokens, (grid,), self._patch_size))


def _attending(tokens: TokenBatch, count: int) -> float:
    """Pairs of tokens of which one attends to the other: of windows that are streams, what each round really sees."""
    if tokens.views is not None:
        return float((tokens.views.last.flatten()[tokens.views.answered] + 1).sum())
    bounds = [bound for bound in tokens.bounds if bound <= count]
    return sum((stop - start) ** 2 for start, stop in pairwise(bounds)) / 2
