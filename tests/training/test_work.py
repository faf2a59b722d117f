"""The work of a step, counted from a few passes without data, against a pass of that very batch."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from svlm_cli.networks.family import Family, Grid, Vocabulary
from svlm_cli.training import budget
from svlm_cli.training.budget import PassShape, as_learned, model_flops
from svlm_cli.training.collate import Batch, collate
from svlm_cli.training.layout import WindowTokens
from svlm_cli.training.parts import AdapterRecipe, NetworkPart
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.runs import ViewRuns
from svlm_cli.training.views import View
from svlm_cli.training.work import WorkCount
from tests.training.recipes import SIZES, small_recipe
from tests.training.test_network import GRID, _None, _window

PATCH = 1176
WIDE: Grid = (1, 4, 8)  # as many patches
GRIDS: tuple[Grid, ...] = (GRID,) * 3
ADAPTER = AdapterRecipe(rank=4)
DEEP = replace(
    SIZES,
    text=replace(SIZES.text, num_hidden_layers=5),
    vision=replace(SIZES.vision, depth=4, fullatt_block_indexes=(0, 3)),
)


@pytest.fixture(scope="module")
def family() -> Family:
    """With more layers of each kind than are tried, and ids of control tokens from 0 on."""
    return DEEP.family(Vocabulary(100, *range(6)))


def _recipe(adapter: AdapterRecipe | None = None, **optimisation: Any) -> Recipe:
    recipe = small_recipe(**optimisation)
    return recipe if adapter is None else replace(recipe, model=replace(recipe.model, base="base"), adapter=adapter)


def _count(family: Family, recipe: Recipe) -> WorkCount:
    return WorkCount(family, recipe, family.preprocessor(family.pixels_from_scratch()))


def _batch() -> Batch:
    return collate([_window(140, 0), _window(161, 1), _window(127, 2)], _None())


def _without_padding(batch: Batch, grid: Grid) -> PassShape:
    tokens, count, learned = batch.tokens, batch.count, batch.learned
    real = replace(
        tokens,
        ids=tokens.ids[:count],
        positions=tokens.positions[:count],
        starts=tokens.starts[:-1],
        targets_at=tokens.targets_at[:learned],
        targets=tokens.targets[:learned],
        roles=tokens.roles[:learned],
        bounds=tokens.bounds[:-1],
    )
    return PassShape(real, (grid,) * 3, PATCH)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({}, id="whole"),
        pytest.param({"frozen": (NetworkPart.VISION,), "checkpointing": True}, id="frozen"),
        pytest.param({"adapter": ADAPTER}, id="adapter", marks=pytest.mark.extra),
    ],
)
def test_the_work_of_a_batch_is_that_of_a_pass_of_it(family: Family, kind: dict[str, Any]) -> None:
    """Guards TFLOP/s: windows, learned tokens and pictures of two sizes each count for what they cost, padding not."""
    recipe, batch = _recipe(**kind), _batch()
    with torch.device("meta"):
        empty = family.network()
    passes = as_learned(empty, recipe)[0]
    high, wide = (model_flops(passes, _without_padding(batch, grid)) for grid in (GRID, WIDE))
    count = _count(family, recipe)
    assert count.of(batch, (WIDE,) * 3) == wide != high
    assert count.of(batch, GRIDS) == high
    both = count.of(batch, (GRID, WIDE, GRID))  # in one pass, attention would pad the smaller ones
    assert both == pytest.approx((2 * high + wide) / 3, rel=1e-12)
    assert len(batch.tokens.ids) > batch.count, "there is padding"


def test_the_sizes_of_other_batches_make_no_difference(family: Family) -> None:
    """Guards what is kept from batch to batch: a size that was seen first must not be taken for another."""
    batch, count = _batch(), _count(family, _recipe())
    other = _count(family, _recipe())
    other.of(batch, ((3, 4, 8),))
    assert other.of(batch, GRIDS) == pytest.approx(count.of(batch, GRIDS), rel=1e-12)


def test_a_stream_attends_to_what_it_sees(family: Family) -> None:
    """Guards streamed windows: each query counts the keys that it sees, and neither their padding nor its own."""
    window = _window(60, 3)
    streamed = replace(window, views=_views(60, [20, 40, 60], sees=30))
    count = _count(family, _recipe())
    plain, views = (count.of(collate([one], _None()), (GRID,)) for one in (window, streamed))
    text = family.language
    pairs = sum(range(1, 21)) + 2 * sum(range(11, 31))  # by hand: 20 tokens, then twice 20 of 30 keys
    price = 3 * 4 * text.num_attention_heads * text.head_dim * text.num_hidden_layers
    assert plain - views == pytest.approx(price * (60**2 / 2 - pairs), rel=1e-9)


def _views(length: int, ends: Sequence[int], sees: int) -> ViewRuns:
    views, start = [], 0
    for end in ends:
        keys = np.arange(max(end - sees, 0), end, dtype=np.int32)
        positions = np.repeat(keys[:, None].astype(np.float32), 3, axis=1)
        views.append(View(keys, positions, end - start))
        start = end
    assert start == length
    return ViewRuns.of(views, length)[0]


def test_products_are_counted_before_the_training(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the training, which runs while batches are counted: the counter of products hooks into all its modules."""
    count = _count(family, _recipe())

    def refuse(**_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(budget, "FlopCounterMode", refuse)
    assert (
        count.of(
            _batch(),
            (WIDE, GRID),
        )
        > 0
    )


def test_nothing_learned_is_no_work(family: Family) -> None:
    """Guards a rank that has no window left: its part in the pass is no work of the model."""
    window = _window(40, 0)
    silent: WindowTokens = replace(window, roles=np.zeros_like(window.roles))
    assert _count(family, _recipe()).of(collate([silent], _None()), (GRID,)) == 0.0
    assert math.prod(GRID) > 0
