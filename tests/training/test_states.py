"""States of one process and of several are the same thing in two forms."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from svlm_cli.training.adapter import add_adapter
from svlm_cli.training.network import LearningNetwork, freeze, weights_of
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.parts import AdapterRecipe, NetworkPart
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.states import REWRITTEN, ready_state
from tests.training.recipes import small_family, small_recipe


class _FirstOfTwo(Ranks):
    """The other one is always there."""

    def wait(self) -> None:
        """Not needed."""


def _recipe(*, adapted: bool) -> Recipe:
    recipe = small_recipe(learning_rate=3e-3)
    if not adapted:
        return recipe
    return replace(recipe, model=replace(recipe.model, base="base"), adapter=AdapterRecipe(rank=2))


def _network(seed: int, recipe: Recipe) -> LearningNetwork:
    network = small_family().network()
    network.initialise(seed)
    if recipe.adapter.used:
        add_adapter(network, recipe)
    else:
        freeze(weights_of(network, (NetworkPart.VISION,)), bf16=True)
    return LearningNetwork(network)


def _state(folder: Path, recipe: Recipe) -> Path:
    """As the Trainer leaves one of a single process, after two steps."""
    folder.mkdir(parents=True)
    network = _network(1, recipe)
    optimizer, schedule = make_optimizer(network, recipe.optimisation)
    for step in range(2):
        for weight in network.parameters():
            weight.grad = torch.full_like(weight, 0.1 * (step + 1)) if weight.requires_grad else None
        optimizer.step()
        schedule.step()
    save_file(network.state_dict(), folder / "model.safetensors")
    torch.save(optimizer.state_dict(), folder / "optimizer.pt")
    (folder / "trainer_state.json").write_text('{"global_step": 2}')
    (folder / "scheduler.pt").write_bytes(b"as it is")
    return folder


@pytest.mark.parametrize("adapted", [False, pytest.param(True, marks=pytest.mark.extra)], ids=["frozen", "adapted"])
def test_a_state_is_the_same_after_both_ways(tmp_path: Path, *, adapted: bool) -> None:
    """Guards resuming in another number: weights, both moments, the count of steps, rates and decay of each group."""
    recipe = _recipe(adapted=adapted)
    whole = _state(tmp_path / "states" / "checkpoint-2", recipe)
    assert ready_state(whole, _network(2, recipe), recipe, Ranks()) == whole, "one process needs no other form"
    network = _network(3, recipe)
    several = _FirstOfTwo(0, 2)
    scattered = ready_state(whole, network, recipe, several)
    assert scattered.name == REWRITTEN
    assert not (scattered / "model.safetensors").exists()
    moved = scattered.rename(tmp_path / "states" / "checkpoint-4")
    assert ready_state(moved, network, recipe, several) == moved, "any number above one reads shards"
    again = ready_state(moved, _network(4, recipe), recipe, Ranks())
    expected, found = (load_file(one / "model.safetensors") for one in (whole, again))
    assert expected.keys() == found.keys()
    assert all("lora_" in name for name in expected) == adapted
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    first, second = (torch.load(one / "optimizer.pt", weights_only=True) for one in (whole, again))
    assert first["param_groups"] == second["param_groups"]
    assert {"initial_lr", "lr", "weight_decay"} <= first["param_groups"][0].keys()
    assert first["state"].keys() == second["state"].keys()
    for index, moments in first["state"].items():
        assert moments.keys() == second["state"][index].keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(moments[name], second["state"][index][name]) for name in moments)
    for name in ("trainer_state.json", "scheduler.pt"):
        assert (again / name).read_bytes() == (whole / name).read_bytes()
