"""``svlm train``: a recipe in, a checkpoint folder out. The work is in ``training/``."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from svlm_cli.commands import options, train_watching
from svlm_cli.commands.ranks import as_rank, start
from svlm_cli.commands.train_forecast import tell_forecast
from svlm_cli.commands.train_options import FOLLOWING, TFLOPS, TrainOptions
from svlm_cli.core import launched
from svlm_cli.core.errors import UsageError

if TYPE_CHECKING:
    import torch

    from svlm_cli.training.recipe import Recipe

__all__ = ["FOLLOWING", "app"]  # what `commands/app.py` looks for

app = typer.Typer(add_completion=False)


@app.command()
@options.takes(TrainOptions)
def train(asked: TrainOptions) -> None:
    """Train a model by a recipe: from simulated matches or from annotation files.

    A line a step goes to stderr. The output folder is then a checkpoint: `svlm caption --model DIR` takes it.
    """
    with as_rank():
        from svlm_cli.training.recipe import read

        asked.refuse_idle()
        recipe = read(asked.recipe)
        recipe = recipe if asked.steps is None else recipe.with_steps(asked.steps)
        if asked.dry_run:
            tell_forecast(
                recipe, gpus=asked.gpus or 1, tflops=asked.tflops or TFLOPS, as_json=asked.as_json, quiet=asked.quiet
            )
            return
        _run(recipe, asked)


def _run(recipe: "Recipe", asked: TrainOptions) -> None:
    if find_spec("accelerate") is None:  # the Trainer would say so later, at length
        raise UsageError("svlm train needs accelerate.", "Install svlm-cli[train].")
    from svlm_cli.compute.device import resolve_device
    from svlm_cli.training.log import to_nobody, to_stderr
    from svlm_cli.training.share import Share

    train_watching.check(asked.plot, asked.tensorboard)
    device = resolve_device(asked.device)
    if asked.gpus is not None:
        _require_gpus(asked.gpus, device)
    if asked.gpus is not None and asked.gpus > launched.processes():
        Share.of(recipe.optimisation, ranks=asked.gpus)
        start(asked.gpus, asked.of_a_rank())
        return
    from svlm_cli.training.trainer import train as run

    say = to_nobody if asked.quiet else to_stderr
    with train_watching.watchers(asked.plot, asked.tensorboard, asked.folder, say) as watchers:
        run(recipe, asked.folder, device=device, resume=asked.resume, say=say, watchers=watchers)


def _require_gpus(count: int, device: "torch.device") -> None:
    """`UsageError` if so many cannot be used together."""
    import torch

    if (started := launched.processes()) not in {1, count}:
        raise UsageError(f"--gpus says {count}, but a launcher has started {started} processes.", "Leave out --gpus.")
    if device.type != "cuda":
        raise UsageError(f"--gpus {count} needs GPUs, and this run is on the CPU.", "Leave out --gpus.")
    if device.index is not None:
        raise UsageError(f"--gpus takes the first GPUs that it sees, not {device}.", "Use CUDA_VISIBLE_DEVICES.")
    if (found := torch.cuda.device_count()) < count:
        raise UsageError(f"--gpus {count} is more than there are: {found}.", "Run `svlm doctor` to see them.")
