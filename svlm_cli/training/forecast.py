"""Estimates a run before it starts, by making some of its windows and counting passes over them.

Loads no weights and makes no network request. Knows no command line.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.folder import CONFIG_FILE
from svlm_cli.checkpoints.resolve import refer
from svlm_cli.core.errors import UsageError
from svlm_cli.networks.families import published
from svlm_cli.networks.family import Family
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_family, load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.budget import (
    Budget,
    PassShape,
    as_learned,
    budget_of,
    forward_flops,
    model_flops,
    standing_of,
)
from svlm_cli.training.clips import with_counted_steps
from svlm_cli.training.collate import Batch
from svlm_cli.training.data import open_data, texts_of
from svlm_cli.training.held_out import held_out_recipe, held_out_say
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.share import Share

_PASSES: Final = 2  # sampled at each frame rate
_FEW_WINDOWS: Final = 2  # in a pass whose memory is not needed
_SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class WindowSize:
    """Average number of tokens per sampled window."""

    tokens: float
    visual: float  # of them, visual tokens
    learned: float  # of them, trained on


@dataclass(frozen=True, slots=True)
class ValidationWork:
    """Passes over held-out windows. Does not count free captions or checkpoints."""

    times: int = 0
    windows: int = 0
    flops: float = 0.0  # per validation, over all GPUs


@dataclass(frozen=True, slots=True)
class Forecast:
    """A run of a recipe on a number of GPUs."""

    parameters: int
    learned_parameters: int
    gpus: int
    steps: int
    windows_per_step: int  # over all GPUs
    windows_per_epoch: int | None  # None: unlimited matches, or their clips
    window: WindowSize
    sampled: int  # number of sampled windows
    budget: Budget  # per GPU, for the largest sampled pass
    flops_per_step: float  # model FLOPs over all GPUs, without recomputation
    validation: ValidationWork
    notice: str = ""  # what could not be counted

    @property
    def tokens(self) -> float:
        """Tokens of the whole run."""
        return self.window.tokens * self.windows_per_step * self.steps

    @property
    def epochs(self) -> float | None:
        """How often each window is trained on."""
        return None if self.windows_per_epoch is None else self.steps * self.windows_per_step / self.windows_per_epoch

    def hours(self, tflops: float) -> float:
        """Duration of the steps, if each GPU reaches this many model TFLOP/s."""
        return self._hours(self.steps * self.flops_per_step, tflops)

    def validation_hours(self, tflops: float) -> float:
        """Additional duration of validation, on the same assumption."""
        return self._hours(self.validation.times * self.validation.flops, tflops)

    def _hours(self, flops: float, tflops: float) -> float:
        return flops / (self.gpus * tflops * 1e12) / _SECONDS_PER_HOUR

    def to_json(self, tflops: float) -> dict[str, Any]:
        """For programs: plain bytes and FLOPs."""
        hours = {"hours": self.hours(tflops), "validation_hours": self.validation_hours(tflops)}
        more = {"epochs": self.epochs, "tokens": self.tokens, "tflops": tflops}
        return asdict(self) | {"peak_bytes": self.budget.total} | more | hours


def forecast(recipe: Recipe, *, gpus: int, say: Say) -> Forecast:
    """Raises `UsageError`, `InputError` and `ModelError` as the run would before its first step.

    `say` is called with skipped records.
    """
    share, recipe = Share.of(recipe.optimisation, ranks=gpus), with_counted_steps(recipe)
    with tempfile.TemporaryDirectory(prefix="svlm-") as made:
        start = _start(recipe, Path(made))
        passes, epoch = _sample(recipe, start, max(map(len, share.passes)), say)
        held_out, windows = _sample_held_out(recipe, start, say)
    with torch.device("meta"):
        network = start.family.network()
    parameters = sum(weight.numel() for weight in network.parameters())
    learning, spread = as_learned(network, recipe, ranks=gpus)
    by_size = sorted(passes, key=lambda one: len(one.shape.tokens.ids))
    by_pictures = sorted(passes, key=lambda one: sum(map(math.prod, one.shape.grids)))
    largest = {id(one): one for one in (by_size[-1], by_pictures[-1])}.values()
    budget = max((budget_of(learning, one.shape, spread) for one in largest), key=lambda one: one.total)
    mean = partial(_mean, passes)
    return Forecast(
        parameters,
        sum(weight.numel() for weight in learning.parameters() if weight.requires_grad),
        gpus,
        recipe.optimisation.steps,
        share.step,
        epoch,
        WindowSize(mean(lambda one: one.tokens), mean(lambda one: one.visual), mean(lambda one: one.learned)),
        sum(one.windows for one in passes),
        budget,
        mean(lambda one: model_flops(learning, one.shape)) * share.step,
        ValidationWork(
            recipe.validation.times(recipe.optimisation.steps),
            windows,
            windows * _mean(held_out, lambda one: forward_flops(learning, one.shape)) if windows else 0.0,
        ),
        start.notice,
    )


def require_room(recipe: Recipe, family: Family, *, gpus: int, bytes_per_gpu: int) -> None:
    """`UsageError` if memory does not even suffice for weights, gradients and moments, whatever the windows."""
    with torch.device("meta"):
        network = family.network()
    needed = standing_of(*as_learned(network, recipe, ranks=gpus)).total
    if needed > bytes_per_gpu:
        raise UsageError(
            f"Weights, gradients and moments alone take {needed / 1e9:.1f} GB of a GPU that has "
            f"{bytes_per_gpu / 1e9:.1f} GB.",
            "Train an adapter, freeze parts, keep moments in 8 bits, or use more GPUs: see --dry-run.",
        )


@dataclass(frozen=True, slots=True)
class _Start:
    """What a run starts from, without its weights."""

    folder: Path  # with its tokenizer and preprocessor configuration
    family: Family
    notice: str = ""


def _start(recipe: Recipe, made: Path) -> _Start:
    base = recipe.model.base
    if not base:
        run_folder.begin(made, recipe, partial(texts_of, recipe))
        return _Start(made, run_folder.first_family(made, recipe))
    reference = refer(base)
    folder = reference.present()
    if folder is not None and (folder / CONFIG_FILE).is_file():
        return _Start(folder, load_family(folder))
    family = published(reference.hub_id)
    if family is None:
        raise UsageError(
            f"{base} is not on this machine, and its sizes are not known.",
            f"Fetch it first: `svlm models pull {base}`.",
        )
    stand_in = catalog.DEFAULT_MODEL
    notice = f"{base} is not on this machine: its published sizes are used, with the tokenizer of {stand_in}."
    return _Start(catalog.find(stand_in).folder, family, notice)


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """A forward pass, and how often passes like it occur."""

    shape: PassShape
    weight: float
    windows: int
    tokens: int
    learned: int

    @property
    def visual(self) -> int:
        """The number of visual tokens."""
        return len(self.shape.tokens.pads_at)


def _mean(passes: Sequence[_Pass], of: Callable[[_Pass], float]) -> float:
    """The average per window."""
    windows = math.fsum(one.weight * one.windows for one in passes)
    return math.fsum(one.weight * of(one) for one in passes) / windows


def _sample(recipe: Recipe, start: _Start, windows: int, say: Say) -> tuple[list[_Pass], int | None]:
    """Some passes of `windows` windows at each frame rate, and the number of windows per epoch."""
    preprocessor = load_preprocessor(start.folder, start.family)
    layout = Layout(start.folder, recipe.policy, start.family, recipe.windows.streamed)
    weights = recipe.windows.fps_weights or (1.0,) * len(recipe.fps)
    passes: list[_Pass] = []
    epoch = None
    for fps, weight in zip(recipe.fps, weights, strict=True):
        few = _few_passes(recipe, fps, windows)
        with closing(open_data(few, layout, preprocessor, say)) as data:
            passes += [_counted(batch, preprocessor, weight) for batch in data.batches(0)]
            epoch = data.windows
    return passes, epoch


def _sample_held_out(recipe: Recipe, start: _Start, say: Say) -> tuple[list[_Pass], int]:
    """Some passes over held-out windows, and the number of these windows."""
    if not recipe.validation.used:
        return [], 0
    passes, found = _sample(held_out_recipe(recipe), start, _FEW_WINDOWS, held_out_say(say))
    most = recipe.validation.windows
    return passes, most if found is None else min(found, most)


def _few_passes(recipe: Recipe, fps: float, windows: int) -> Recipe:
    """The recipe with `windows` windows per pass, at one frame rate."""
    data, simulator = recipe.data, recipe.data.simulator
    if data.source is Source.SIMULATOR:
        matches = math.ceil(_PASSES * windows / simulator.windows_per_match)
        data = replace(data, workers=0, simulator=replace(simulator, matches_per_block=matches))
    few = replace(
        recipe,
        data=data,
        optimisation=replace(recipe.optimisation, batch=windows, accumulate=1),
        windows=replace(recipe.windows, fps=(fps,), fps_weights=()),
    )
    return few.with_steps(_PASSES)


def _counted(batch: Batch, preprocessor: Preprocessor, weight: float) -> _Pass:
    patches, grids = batch.pictures.patches(preprocessor, device=torch.device("meta"), dtype=torch.float32)
    shape = PassShape(batch.tokens, tuple(grids), patches.shape[-1])
    return _Pass(shape, weight, len(batch.tokens.bounds) - 2, batch.count, batch.learned)
