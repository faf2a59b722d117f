"""Turns a saved state of a run, finished or not, into a checkpoint folder. Needs no GPU and no data.

A state is one file of weights, or shards of several ranks, which need not be running. Knows no loop.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from svlm_cli.checkpoints import toml
from svlm_cli.core.errors import ModelError, OutputError, OutputExistsError, UsageError
from svlm_cli.networks.weights import WEIGHTS, load_family
from svlm_cli.training.folder import LOG_FILE, STATES, is_finished, states_of
from svlm_cli.training.log import HELD_OUT, figures_of, rows_of
from svlm_cli.training.recipe import RECIPE_FILE, Recipe, parse
from svlm_cli.training.replacing import new_folder
from svlm_cli.training.result import Result, write_checkpoint
from svlm_cli.training.states import MODEL_SHARDS, without_processes

_MODEL, _NETWORK = "model.", "network."  # prefixes of names: in shards, and inside the training wrapper


def export(run: Path, output: Path, step: int | None = None) -> int:
    """Write `output` from the newest complete state of `run`, or that after `step`. Returns its step.

    Raises `UsageError` if there is none, `ModelError` if it cannot be read, and `OutputError`.
    """
    recipe = _recipe(run)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputExistsError(f"{output} exists already.", "Name a new folder with -o.")
    try:
        if is_finished(run) and step in {None, recipe.optimisation.steps}:
            new_folder(output, partial(_copy, run))
            return recipe.optimisation.steps
        found = _state(run, recipe, step)
        result = Result(recipe, load_family(run / STATES), found, _figures(run, found))
        weights = weights_of(_states(run)[found])
        new_folder(output, partial(write_checkpoint, run=run, result=result, weights=weights))
    except OSError as error:
        raise OutputError(
            f"{output} cannot be written: {error.strerror}.", "Check its path, rights and space."
        ) from error
    return found


def weights_of(state: Path) -> Mapping[str, Tensor]:
    """All weights of the network by name; of a run with an adapter, only those of the adapter."""
    return _whole(state / WEIGHTS) if (state / WEIGHTS).is_file() else _gathered(state / MODEL_SHARDS)


def _recipe(run: Path) -> Recipe:
    path = run / RECIPE_FILE
    if not path.is_file():
        raise UsageError(f"{run} holds no run.", "Name the output folder of `svlm train`.")
    return parse(toml.read_text(path, what="a recipe", error=UsageError), source=str(path))


def _states(run: Path) -> dict[int, Path]:
    """States that have weights: a run may have died while deleting one."""
    return {
        step: state
        for step, state in states_of(run).items()
        if (state / WEIGHTS).is_file() or (state / MODEL_SHARDS / ".metadata").is_file()
    }


def _state(run: Path, recipe: Recipe, step: int | None) -> int:
    states = _states(run)
    if is_finished(run):
        raise UsageError(
            f"The run in {run} is finished, at step {recipe.optimisation.steps}: its states are gone.",
            "Leave out --step.",
        )
    if not states:
        raise UsageError(
            f"The run in {run} has no state yet: the first one is saved after step {recipe.output.save_every}.",
            "Go on with `svlm train --resume`, or wait.",
        )
    if step is not None and step not in states:
        there = ", ".join(map(str, sorted(states)))
        raise UsageError(f"The run in {run} has no state after step {step}.", f"There are states after {there}.")
    return max(states) if step is None else step


def _figures(run: Path, step: int) -> dict[str, float]:
    """The last logged figures up to that step."""
    rows = [row for row in rows_of(run / LOG_FILE) if row["step"] <= step] if (run / LOG_FILE).is_file() else []
    learned = [row for row in rows if "loss" in row]
    held_out = [row for row in rows if f"{HELD_OUT}loss" in row]
    return figures_of(learned[-1] if learned else {}, held_out[-1] if held_out else {})


def _copy(run: Path, folder: Path) -> None:
    """Copy a finished run, which is a checkpoint itself."""
    for path in run.iterdir():
        if path.is_file() and path.name != LOG_FILE:
            shutil.copy(path, folder / path.name)


class _Stored(Mapping[str, Tensor]):
    """The tensors of a state, read on access."""

    def __init__(self, path: Path, names: Iterable[str], prefix: str, read: Callable[[str], Tensor]) -> None:
        self._path, self._prefix, self._read = path, prefix, read
        self._names = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]

    def __getitem__(self, name: str) -> Tensor:
        with _told(self._path):
            return self._read(f"{self._prefix}{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _whole(path: Path) -> _Stored:
    def read(name: str) -> Tensor:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    with _told(path), safe_open(path, framework="pt", device="cpu") as file:
        return _Stored(path, file.keys(), _NETWORK, read)


def _gathered(path: Path) -> _Stored:
    """The tensors of a sharded state."""
    with _told(path):
        stored = FileSystemReader(path).read_metadata().state_dict_metadata

    def read(name: str) -> Tensor:
        about = stored[name]
        assert isinstance(about, TensorStorageMetadata), "states of networks hold nothing else"
        part = {name: torch.empty(about.size, dtype=about.properties.dtype)}
        with without_processes():
            load(part, storage_reader=FileSystemReader(path), no_dist=True)
        return part[name]

    return _Stored(path, stored, f"{_MODEL}{_NETWORK}", read)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, SafetensorError, CheckpointException) as error:
        raise ModelError(f"{path} cannot be read: {error!s:.200}.", "Name another state with --step.") from error
