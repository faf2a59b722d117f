"""How much work a step is: the model's FLOPs, from the tokens and pictures that were really learned.

They are a sum: so much for each token, for each pair of tokens that attend, for each learned token, and for each frame
pair of a size. What each of these costs is found once, by passes without data through one layer and through two; so it
is what `model_flops` counts of all layers, much sooner. Padding is no work, nor is what is computed again.
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
_SMALL: Final = (56, 56)  # pixels of a picture that is tried, if it may be so small
_LENGTH: Final = 16  # tokens of a window that is tried; a whole number comes out, so none is too small


@dataclass(frozen=True, slots=True)
class _Prices:
    """FLOPs, forwards and backwards."""

    token: float
    pair: float  # of tokens, of which one attends to the other
    learned: float  # token, for its logits
    patch: float  # of a picture, but for attention


class WorkCount:
    """Counts the work of batches.

    It is made by the thread that trains, before it begins: an adapter that is tried draws its weights, and the counting
    of products hooks into all modules of the process. `of` may run beside the training.
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
        """The FLOPs of a batch whose pictures have those grids of patches."""
        if not batch.learned:
            return 0.0  # nothing comes of it
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
        pairs = _LENGTH**2 / 2  # causal: half of the square attends
        with torch.enable_grad():
            looked = self._through(self._network.network.visual, lambda: self._look(grid))
        return _Prices(
            (one.products - learned) / _LENGTH, one.attention / pairs, learned, looked.products / math.prod(grid)
        )

    def _look(self, grid: Grid) -> Tensor:
        patches = torch.empty(math.prod(grid), self._patch_size, device=_META)
        return self._network.network.look(patches, [grid])

    def _frame_pair(self, rows: int, columns: int) -> float:
        """Of one of that size: frame pairs do not see one another."""
        if (rows, columns) not in self._frame_pairs:
            with torch.enable_grad():  # through all layers: some see a part of the picture, others all of it
                attention = attention_flops(lambda: self._look((1, rows, columns)))
            self._frame_pairs[rows, columns] = self._prices.patch * rows * columns + attention
        return self._frame_pairs[rows, columns]

    def _learned(self, targets: int) -> Flops:
        """Of a window in which nothing is shown."""
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
        """Of what `part` makes through the layers of `stack`. Two of them are tried: the others are as the second."""
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
    """The numbers of a patch, and the grid of a picture that has few of them."""
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
    """The first ones alone."""
    others = [*layers[count:]]
    del layers[count:]
    try:
        yield
    finally:
        layers.extend(others)


def _attending(tokens: TokenBatch, count: int) -> float:
    """Pairs of tokens of which one attends to the other: of windows that are streams, what each round really sees."""
    if tokens.views is not None:
        return float((tokens.views.last.flatten()[tokens.views.answered] + 1).sum())
    bounds = [bound for bound in tokens.bounds if bound <= count]
    return sum((stop - start) ** 2 for start, stop in pairwise(bounds)) / 2
