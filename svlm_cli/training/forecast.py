"""What a run will take, told before it begins: some of its windows are made, and passes over them are counted.

Loads no weights and asks no hub. Knows no command line.
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
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.budget import Budget, PassShape, as_learned, budget_of, model_flops, standing_of
from svlm_cli.training.clips import with_counted_steps
from svlm_cli.training.collate import Batch
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say
from svlm_cli.training.matches import epoch_of, sample_texts
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.share import Share
from svlm_cli.training.simulated import SimulatedData

_PASSES: Final = 2  # that are made, at each frame rate
_SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class WindowSize:
    """Tokens of a window, on average over those that were made."""

    tokens: float
    visual: float  # of them, those that stand for pictures
    learned: float  # of them


@dataclass(frozen=True, slots=True)
class Forecast:
    """A run of a recipe on so many GPUs."""

    parameters: int
    learned_parameters: int
    gpus: int
    steps: int
    windows_per_step: int  # of all GPUs
    windows_per_epoch: int | None  # None: there is no end of matches, or of their clips
    window: WindowSize
    sampled: int  # windows that were made to tell
    budget: Budget  # of a GPU, in the largest of the passes that were made
    flops_per_step: float  # model FLOPs of all GPUs: what is computed again to save memory is not counted
    notice: str = ""  # what was not there to be counted

    @property
    def tokens(self) -> float:
        """Of the whole run."""
        return self.window.tokens * self.windows_per_step * self.steps

    @property
    def epochs(self) -> float | None:
        """How often each window is learned."""
        return None if self.windows_per_epoch is None else self.steps * self.windows_per_step / self.windows_per_epoch

    def hours(self, tflops: float) -> float:
        """If each GPU reaches so many model TFLOP/s."""
        return self.steps * self.flops_per_step / (self.gpus * tflops * 1e12) / _SECONDS_PER_HOUR

    def to_json(self, tflops: float) -> dict[str, Any]:
        """For programs, bytes and FLOPs as they are."""
        more = {"epochs": self.epochs, "tokens": self.tokens, "tflops": tflops, "hours": self.hours(tflops)}
        return asdict(self) | {"peak_bytes": self.budget.total} | more


def forecast(recipe: Recipe, *, gpus: int, say: Say) -> Forecast:
    """Raises `UsageError`, `InputError` and `ModelError` as the run itself would before its first step.

    `say` hears of records that are skipped.
    """
    share, recipe = Share.of(recipe.optimisation, ranks=gpus), with_counted_steps(recipe)
    with tempfile.TemporaryDirectory(prefix="svlm-") as made:
        start = _start(recipe, Path(made))
        passes, epoch = _sample(recipe, start, share, say)
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
        start.notice,
    )


def require_room(recipe: Recipe, family: Family, *, gpus: int, bytes_per_gpu: int) -> None:
    """`UsageError` if there is no room for what stands from the first step to the last, whatever a window takes."""
    with torch.device("meta"):
        network = family.network()
    needed = standing_of(*as_learned(network, recipe, ranks=gpus)).total
    if needed > bytes_per_gpu:
        raise UsageError(
            f"Weights, gradients and moments alone take {needed / 1e9:.1f} GB of a GPU that has "
            f"{bytes_per_gpu / 1e9:.1f} GB.",
            "Learn an adapter, freeze parts, keep moments in 8 bits, or use more GPUs: see --dry-run.",
        )


@dataclass(frozen=True, slots=True)
class _Start:
    """What a run starts from, its weights left out."""

    folder: Path  # of its tokenizer, and of what is said of pixels
    family: Family
    notice: str = ""


def _start(recipe: Recipe, made: Path) -> _Start:
    base = recipe.model.base
    if not base:
        texts = sample_texts if recipe.data.source is Source.SIMULATOR else annotated_texts
        run_folder.begin(made, recipe, lambda: texts(recipe))
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
    notice = f"{base} is not on this machine: its published sizes are counted, with the tokenizer of {stand_in}."
    return _Start(catalog.find(stand_in).folder, family, notice)


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """A forward pass, and how often the likes of it come."""

    shape: PassShape
    weight: float
    windows: int
    tokens: int
    learned: int

    @property
    def visual(self) -> int:
        """Tokens that stand for pictures."""
        return len(self.shape.tokens.pads_at)


def _mean(passes: Sequence[_Pass], of: Callable[[_Pass], float]) -> float:
    """A window's."""
    windows = math.fsum(one.weight * one.windows for one in passes)
    return math.fsum(one.weight * of(one) for one in passes) / windows


def _sample(recipe: Recipe, start: _Start, share: Share, say: Say) -> tuple[list[_Pass], int | None]:
    """Some passes at each frame rate, and how many windows an epoch has."""
    preprocessor = load_preprocessor(start.folder, start.family)
    layout = Layout(start.folder, recipe.policy, start.family, recipe.windows.streamed)
    weights = recipe.windows.fps_weights or (1.0,) * len(recipe.fps)
    passes: list[_Pass] = []
    epoch = None
    for fps, weight in zip(recipe.fps, weights, strict=True):
        few = _few_passes(recipe, fps, max(map(len, share.passes)))
        simulated = recipe.data.source is Source.SIMULATOR
        data = SimulatedData(few, layout, preprocessor) if simulated else AnnotatedData(few, layout, preprocessor, say)
        with closing(data):
            passes += [_counted(batch, preprocessor, weight) for batch in data.batches(0)]
        epoch = data.windows if isinstance(data, AnnotatedData) else epoch_of(recipe)
    return passes, epoch


def _few_passes(recipe: Recipe, fps: float, windows: int) -> Recipe:
    """The recipe, with so many windows a pass, at one frame rate."""
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
