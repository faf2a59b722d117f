"""Footage as compiled code draws it, and as a GPU does: the same but for the rounding of a pixel here and there."""

import numpy as np
import pytest
import torch
from torch import Tensor

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.render import draw, render
from svlm_cli.simulator.footage.scenes import FootageScenes
from tests.simulator.footage.scenery import bank

TIMES = np.arange(0, 120, 2.9)


def scenes() -> FootageScenes:
    return FootageScenes.join([EndlessFootage(seed).scenes(TIMES) for seed in (1, 3)])


def assert_alike(drawn: Tensor, pictures: Picture) -> None:
    """A product and a sum rounded once, instead of twice, may end on the other side of a pixel's edge."""
    beside = np.abs(drawn.cpu().numpy().astype(int) - pictures)
    assert (beside > 1).mean() < 1e-3, f"{(beside > 1).mean():.2%} of values differ"


@pytest.mark.extra
@pytest.mark.timeout(300)  # a C++ compiler
@pytest.mark.filterwarnings("default")
def test_compiled_code_draws_the_same_in_batches_of_any_size() -> None:
    """Guards what a model is taught: everything is drawn in its compiled form, what no view has as well."""
    pictures, shown = bank(), scenes()
    for count in (7, 30):
        part = shown.take(np.arange(count))
        assert_alike(draw(torch, part, pictures, device="cpu", compiled=True), render(part, pictures))


@pytest.mark.gpu
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_gpu_draws_the_same_and_nobody_waits_for_it(compiled: bool) -> None:
    """Guards the speed of training as well: a question asked of the GPU would have the next step's kernels wait."""
    pictures, shown, cuda = bank(), scenes(), torch.device("cuda")
    there = torch.from_numpy(pictures.pixels).to(cuda)
    assert_alike(draw(torch, shown, pictures, device=cuda, bank=there, compiled=compiled), render(shown, pictures))
    torch.cuda.set_sync_debug_mode("error")
    try:
        drawn = draw(torch, shown, pictures, device=cuda, bank=there, compiled=compiled)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert_alike(drawn, render(shown, pictures))
