"""Converts saved states of a run for the number of ranks that resume from it.

The state of one rank is whole; those of several ranks are sharded, and can be read by any number above one. Between one
and several, the first rank converts them. Knows no data and no loop.
"""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from svlm_cli.networks.weights import WEIGHTS
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import Recipe

REWRITTEN = "resumed"  # folder beside the states
MODEL_SHARDS, _OPTIMIZER_SHARDS = "pytorch_model_fsdp_0", "optimizer_0"  # accelerate's names
_MOMENTS = "optimizer.pt"  # the Trainer's name
_AS_THEY_ARE = ("trainer_state.json", "scheduler.pt")


def ready_state(state: Path, network: LearningNetwork, recipe: Recipe, ranks: Ranks) -> Path:
    """`state`, or a copy converted for this number of ranks. `network` is unsharded; its weights are overwritten."""
    if (state / WEIGHTS).is_file() == (ranks.count == 1):
        return state
    rewritten = state.with_name(REWRITTEN)
    if ranks.first:
        shutil.rmtree(rewritten, ignore_errors=True)
        rewritten.mkdir()
        with without_processes():
            (_gather if ranks.count == 1 else _scatter)(state, rewritten, network, recipe)
        for name in _AS_THEY_ARE:
            shutil.copyfile(state / name, rewritten / name)
    ranks.wait()
    return rewritten


@contextmanager
def without_processes() -> Iterator[None]:
    """Silence torch's warning that it reads or writes shards in one process, which is intended."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is", category=UserWarning)
        yield


def _gather(state: Path, whole: Path, network: LearningNetwork, recipe: Recipe) -> None:
    optimizer, _ = make_optimizer(network, recipe.optimisation)  # the schedule adds a value to each parameter group
    model_part, optimizer_part = get_state_dict(network, optimizer)
    load({"model": model_part}, checkpoint_id=state / MODEL_SHARDS, no_dist=True)
    load({"optimizer": optimizer_part}, checkpoint_id=state / _OPTIMIZER_SHARDS, no_dist=True)
    set_state_dict(network, optimizer, model_state_dict=model_part, optim_state_dict=optimizer_part)
    save_file(network.state_dict(), whole / WEIGHTS)
    torch.save(optimizer.state_dict(), whole / _MOMENTS)


def _scatter(state: Path, scattered: Path, network: LearningNetwork, recipe: Recipe) -> None:
    optimizer, _ = make_optimizer(network, recipe.optimisation)
    network.load_state_dict(load_file(state / WEIGHTS))
    optimizer.load_state_dict(torch.load(state / _MOMENTS, weights_only=True))
    model_part, optimizer_part = get_state_dict(network, optimizer)
    save({"model": model_part}, checkpoint_id=scattered / MODEL_SHARDS, no_dist=True)
    save({"optimizer": optimizer_part}, checkpoint_id=scattered / _OPTIMIZER_SHARDS, no_dist=True)
