"""The vision tower against transformers', and what batching its windows must not change."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from svlm_cli.networks.family import Grid
from svlm_cli.networks.qwen2_5_vl import vision
from svlm_cli.networks.qwen2_5_vl.vision import VisionTower
from tests.networks.qwen2_5_vl.conftest import Pair

# Windows are 8 x 8 patches. Sums of float32 products in another order differ by about 1e-5 here.
TOLERANCE = 5e-5
GRIDS: dict[str, list[Grid]] = {
    "one whole window": [(1, 8, 8)],
    "smaller than a window": [(1, 2, 6)],
    "whole windows, not square": [(2, 16, 24)],
    "sides that windows do not divide": [(1, 10, 18)],
    "one side that windows do not divide": [(3, 16, 12)],
    "several of one size": [(1, 10, 18), (2, 10, 18)],
    "several, mixed sizes": [(1, 8, 12), (2, 6, 10), (1, 16, 16), (3, 8, 12)],
}


def random_patches(grids: Sequence[Grid], seed: int = 0) -> torch.Tensor:
    count = sum(pairs * height * width for pairs, height, width in grids)
    return torch.randn(count, 3 * 2 * 14 * 14, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("grids", GRIDS.values(), ids=GRIDS.keys())
def test_features_equal_those_of_transformers(pair: Pair, grids: list[Grid]) -> None:
    """Wrong window order, rotary positions, padding mask or raster order."""
    ours, reference = pair
    patches = random_patches(grids)
    with torch.no_grad():
        expected = reference.model.visual(patches, grid_thw=torch.tensor(grids)).pooler_output
        torch.testing.assert_close(ours.visual(patches, grids), expected, atol=TOLERANCE, rtol=0)


def test_a_grid_sees_nothing_of_its_neighbours(pair: Pair) -> None:
    """Attention that leaks between the streams of a batch, or through padding."""
    tower = pair[0].visual
    mixed = GRIDS["several, mixed sizes"]
    patches = [random_patches([grid], seed) for seed, grid in enumerate(mixed)]
    with torch.no_grad():
        together = tower(torch.cat(patches), mixed)
        alone = torch.cat([tower(part, [grid]) for part, grid in zip(patches, mixed, strict=True)])
    torch.testing.assert_close(together, alone, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("grids", GRIDS.values(), ids=GRIDS.keys())
def test_one_attention_call_a_block(pair: Pair, grids: list[Grid], monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python loop over windows, which is seven times slower."""
    calls = []
    attention = torch.nn.functional.scaled_dot_product_attention

    def count(*args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(args)
        return attention(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", count)
    tower = pair[0].visual
    with torch.no_grad():
        tower(random_patches(grids), grids)
    assert len(calls) == tower.config.depth


def test_a_steady_stream_lays_nothing_out_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recomputed window orders, each of which copies to the device; also when other streams of that size take part."""
    tower = VisionTower(pair[0].config.vision)
    with torch.no_grad():
        first = tower(random_patches([(3, 8, 12)]), [(3, 8, 12)])
        monkeypatch.setattr(vision.PatchLayout, "of", None)
        again = tower(random_patches([(3, 8, 12)]), [(1, 8, 12), (2, 8, 12)])
    torch.testing.assert_close(again, first, atol=0, rtol=0)


def test_layouts_do_not_pile_up(pair: Pair) -> None:
    """A source that changes its size for ever."""
    tower = VisionTower(pair[0].config.vision)
    for pairs in range(1, vision._LAYOUTS_KEPT + 10):
        tower.layout([(pairs, 2, 2)], torch.device("cpu"))
    assert len(tower._layouts) == vision._LAYOUTS_KEPT
    assert (((1, 2, 2),), torch.device("cpu")) not in tower._layouts


def test_training_after_streaming(pair: Pair) -> None:
    """Tables that were cached in inference mode cannot be saved for a backward pass."""
    tower = VisionTower(pair[0].config.vision)
    grids: list[Grid] = [(1, 6, 10)]
    with torch.inference_mode():
        tower(random_patches(grids), grids)
    torch.autograd.backward(tower(random_patches(grids), grids).sum())
    assert all(parameter.grad is not None for parameter in tower.parameters())


def test_patches_must_fill_the_grids(pair: Pair) -> None:
    """Features of one stream given to another."""
    with pytest.raises(AssertionError, match="patches fill the grids"):
        pair[0].visual(random_patches([(1, 8, 8)]), [(1, 8, 6)])
