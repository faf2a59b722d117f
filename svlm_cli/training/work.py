"""The work of a step: model FLOPs, from the tokens and pictures of its batches.

FLOPs are a sum of costs per token, per pair of attending tokens, per trained token, and per frame pair of a size. Each
cost is measured once, by passes on the meta device through one layer and through two; so the result equals
`model_flops` over all layers, but is much faster. Padding and recomputation are not counted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from svlm_cli.core.policy import VisionPolicy
from svlm_cli.networks.family import Family, Grid
from svlm_cli.networks.layers import CheckpointingLayer
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.budget import Flops, as_learned, attention_flops, flops_of
from svlm_cli.training.collate import Batch, TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.recipe import Recipe

_META: Final = torch.device("meta")
_SMALL: Final = (56, 56)  # of a trial picture, if such small ones are allowed
_LENGTH: Final = 16  # tokens of a trial window; results are exact, so it may be small


@dataclass(frozen=True, slots=True)
class _Prices:
    """FLOPs, forward and backward."""

    token: float
    pair: float  # of tokens that attend
    learned: float  # per trained token, for its logits
    patch: float  # without attention


class WorkCount:
    """Counts the work of batches.

    Create it in the training thread before training starts: a trial adapter draws random weights, and FLOP counting
    hooks into all modules of the process. `of` may run during training.
    """

    def __init__(self, family: Family, recipe: Recipe, preprocessor: Preprocessor) -> None:
        with torch.device(_META):
            network = family.network()
        self._network: LearningNetwork = as_learned(network, recipe)[0].eval()
        self._family = family
        self._learns_to_look = any(weight.requires_grad for weight in network.visual.parameters())
        self._frame_pairs: dict[tuple[int, int], float] = {}
        self._patch_size, grid = _smallest(preprocessor, recipe.policy.vision)
        self._prices = self._tried(grid)

    def of(self, batch: Batch, grids: Sequence[Grid]) -> float:
        """The FLOPs of a batch whose pictures have these grids of patches."""
        if not batch.learned:
            return 0.0  # nothing is trained
        prices = self._prices
        return (
            sum(pairs * self._frame_pair(rows, columns) for pairs, rows, columns in grids)
            + prices.token * batch.count
            + prices.pair * _attending(batch.tokens, batch.count)
            + prices.learned * batch.learned
        )

    def _tried(self, grid: Grid) -> _Prices:
        one, two = self._learned(targets=1), self._learned(targets=2)
        learned = two.products - one.products
        pairs = _LENGTH**2 / 2  # causal: half of the square
        with torch.enable_grad():
            looked = self._through(self._network.network.visual, lambda: self._look(grid))
        return _Prices(
            (one.products - learned) / _LENGTH, one.attention / pairs, learned, looked.products / math.prod(grid)
        )

    def _look(self, grid: Grid) -> Tensor:
        patches = torch.empty(math.prod(grid), self._patch_size, device=_META)
        return self._network.network.look(patches, [grid])

    def _frame_pair(self, rows: int, columns: int) -> float:
        """The cost of a frame pair of this size; frame pairs do not see each other."""
        if (rows, columns) not in self._frame_pairs:
            with torch.enable_grad():  # through all layers, as some use windows and others full attention
                attention = attention_flops(lambda: self._look((1, rows, columns)))
            self._frame_pairs[rows, columns] = self._prices.patch * rows * columns + attention
        return self._frame_pairs[rows, columns]

    def _learned(self, targets: int) -> Flops:
        """The cost of a window without pictures."""
        none, some = torch.zeros(0, dtype=torch.int64), torch.zeros(targets, dtype=torch.int64)
        tokens = TokenBatch(
            torch.zeros(_LENGTH, dtype=torch.int64),
            torch.zeros(_LENGTH, self._family.axes),
            torch.tensor([0, _LENGTH], dtype=torch.int32),
            none,
            some,
            some,
            some,
            (0, _LENGTH),
        )
        batch = DeviceBatch(tokens.to(_META), torch.empty(0, device=_META), (), 1.0, _LENGTH)
        layers, width = self._family.feature_layers, self._family.language.hidden_size
        features = torch.empty(layers, 0, width, device=_META, requires_grad=self._learns_to_look)
        with torch.enable_grad():
            return self._through(self._network.network.language, lambda: self._network.learn(batch, features)["loss"])

    def _through(self, stack: nn.Module, part: Callable[[], Tensor]) -> Flops:
        """The cost of `part` through the layers of `stack`, measured with one and with two: others equal the second."""
        layers = _layers(stack)
        counts = []
        for count in (1, 2):
            with _shortened(layers, count):
                counts.append(flops_of(self._network, part))
        first, more = counts[0], len(layers) - 1
        return Flops(
            first.products + more * (counts[1].products - first.products),
            first.attention + more * (counts[1].attention - first.attention),
        )


def _smallest(preprocessor: Preprocessor, bounds: VisionPolicy) -> tuple[int, Grid]:
    """The patch dimension, and the grid of a small picture."""
    size = preprocessor.target_size(*_SMALL, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)
    black = torch.zeros(preprocessor.temporal_patch_size, 3, *size, dtype=torch.uint8)
    patches, grid = preprocessor.to_patches(black, dtype=torch.float32)
    return patches.shape[1], grid


def _layers(stack: nn.Module) -> nn.ModuleList:
    (layers,) = (
        module
        for module in stack.modules()
        if isinstance(module, nn.ModuleList) and any(isinstance(layer, CheckpointingLayer) for layer in module)
    )
    return layers


@contextmanager
def _shortened(layers: nn.ModuleList, count: int) -> Iterator[None]:
    """Keep only the first layers."""
    others = [*layers[count:]]
    del layers[count:]
    try:
        yield
    finally:
        layers.extend(others)


def _attending(tokens: TokenBatch, count: int) -> float:
    """The number of attending pairs of tokens; in streaming layout, what each round really sees."""
    if tokens.views is not None:
        return tokens.views.pairs()
    bounds = [bound for bound in tokens.bounds if bound <= count]
    return sum((stop - start) ** 2 for start, stop in pairwise(bounds)) / 2
