"""Writes the weights of a run as a checkpoint folder, or as an adapter in peft's format, for `svlm caption`.

Knows no data and no loop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from svlm_cli.checkpoints.folder import CARD_FILE, SMALL_FILES, copy_files
from svlm_cli.checkpoints.policy_file import POLICY_FILE
from svlm_cli.checkpoints.resolve import refer, resolve
from svlm_cli.networks.family import Family
from svlm_cli.networks.weights import save_network
from svlm_cli.training.adapter import save_adapter
from svlm_cli.training.log import HELD_OUT
from svlm_cli.training.recipe import RECIPE_FILE, Recipe


@dataclass(frozen=True, slots=True)
class Result:
    """What a run has reached after a step, without the weights."""

    recipe: Recipe
    family: Family
    step: int
    figures: Mapping[str, float]  # for the model card
    notes: Mapping[str, str] = field(default_factory=dict)  # for the model card


def write_weights(folder: Path, result: Result, weights: Mapping[str, Tensor]) -> None:
    """Write weights under published names and config.json, or an adapter; and the model card.

    `weights` is the network's state dict. They are read one by one.
    """
    recipe, family = result.recipe, result.family
    if recipe.adapter.used:
        base = resolve(recipe.model.base)
        save_adapter(family, weights, recipe, folder, refer(recipe.model.base), base.folder)
        numbers = sum(weight.numel() for weight in weights.values())
    else:
        dtype: torch.dtype = getattr(torch, recipe.output.weights.value)
        with torch.device("meta"):
            saved = family.network()
        saved.load_state_dict({name: weight.to("cpu", dtype) for name, weight in weights.items()}, assign=True)
        save_network(saved, folder, max_shard_bytes=int(recipe.output.max_shard_mb * 1e6))
        numbers = sum(weight.numel() for weight in saved.parameters())
    (folder / CARD_FILE).write_text(_card(result, numbers), encoding="utf-8")


def write_checkpoint(folder: Path, run: Path, result: Result, weights: Mapping[str, Tensor]) -> None:
    """The same in a new folder, with the other files that a checkpoint needs from the run."""
    copy_files(run, folder, (*SMALL_FILES, POLICY_FILE, RECIPE_FILE))
    write_weights(folder, result, weights)


def _card(result: Result, numbers: int) -> str:
    recipe = result.recipe
    info, adapted = recipe.info, recipe.adapter.used
    rows = {"base": f"`{recipe.model.base}`"} if adapted else {}
    rows |= {"parameters": f"{numbers / 1e6:.1f} M", "steps": str(result.step)}
    rows |= {name.replace("_", " "): f"{value:.4g}" for name, value in result.figures.items()}
    rows |= result.notes
    title = f"# {info.title or ('An adapter' if adapted else 'A model') + ' trained by svlm'}"
    origin = (
        f"Licence: {info.licence or 'not stated'}. Trained by `svlm train`: all settings are in `recipe.toml`, and how "
        "it is streamed in `policy.toml`. The loss, and the share of each kind of token that was found likeliest, are "
        "those of the last logged step, on data of the training."
    )
    if f"{HELD_OUT}loss" in result.figures:
        origin += " Those that are called held out are of windows that were not learned from."
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    return "\n\n".join(filter(None, (title, info.summary, origin, table))) + "\n"
