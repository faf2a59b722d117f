"""How much work a step is: the model's FLOPs, from the tokens and pictures that were really learned.

They are a sum: so much for each token, for each pair of tokens that attend, for each learned token, and for each frame
pair of a size. What each of these costs is found once, by passes without data through one layer and through two; so it
is what `model_flops` counts of all layers, much sooner. Padding is no work, nor is what is computed again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from svlm_cli.networks.family import Family, Grid
from svlm_cli.networks.layers import CheckpointingLayer
from svlm_cli.training.budget import Flops, as_learned, attention_flops, flops_of
from svlm_cli.training.collate import Batch, TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.recipe import Recipe

_META: Final = torch.device("meta")
_LENGTH: Final = 16  # tokens of a window that is tried; a whole number comes out, so none is too small


@dataclass(frozen=True, slots=True)
class _Prices:
    """FLOPs, forwards and backwards."""

    token: float
    pair: float  # of tokens, of which one attends to the other
    learned: float  # token, for its logits


class WorkCount:
    """Counts the work of batches. To be made by the thread that trains: an adapter that is tried draws its weights."""

    def __init__(self, family: Family, recipe: Recipe) -> None:
        with torch.device(_META):
            network = family.network()
        self._network: LearningNetwork = as_learned(network, recipe)[0].eval()
        self._family = family
        self._learns_to_look = any(weight.requires_grad for weight in network.visual.parameters())
        self._patch = 0.0  # FLOPs of one, but for attention
        self._frame_pairs: dict[tuple[int, int], float] = {}

    def of(self, batch: Batch, grids: Sequence[Grid], patch_size: int) -> float:
        """The FLOPs of a batch whose pictures have those grids of patches, each of so many numbers."""
        if not batch.learned:
            return 0.0  # nothing comes of it
        prices = self._prices
        return (
            sum(pairs * self._frame_pair(rows, columns, patch_size) for pairs, rows, columns in grids)
            + prices.token * batch.count
            + prices.pair * _attending(batch.tokens, batch.count)
            + prices.learned * batch.learned
        )

    @cached_property
    def _prices(self) -> _Prices:
        one, two = self._learned(targets=1), self._learned(targets=2)
        learned = two.products - one.products
        pairs = _LENGTH**2 / 2  # causal: half of the square attends
        return _Prices((one.products - learned) / _LENGTH, one.attention / pairs, learned)

    def _frame_pair(self, rows: int, columns: int, patch_size: int) -> float:
        """Of one of that size: frame pairs do not see one another."""
        if (rows, columns) not in self._frame_pairs:
            patches, network = torch.empty(rows * columns, patch_size, device=_META), self._network.network

            def look() -> Tensor:
                return network.look(patches, [(1, rows, columns)])

            with torch.enable_grad():
                if not self._patch:
                    self._patch = self._through(network.visual, look).products / (rows * columns)
                attention = attention_flops(look)  # of all layers: some see a part of the picture, others all of it
            self._frame_pairs[rows, columns] = self._patch * rows * columns + attention
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
