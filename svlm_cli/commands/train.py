"""``svlm train``: a recipe in, a checkpoint folder out. The work is in ``training/``."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from svlm_cli.commands import choices, options, train_export, train_plot, train_watching
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.ranks import as_rank, start
from svlm_cli.core import launched
from svlm_cli.core.errors import UsageError

if TYPE_CHECKING:
    import torch

app = typer.Typer(add_completion=False)
FOLLOWING: Final = {"export": train_export.app, "plot": train_plot.app}
"""Called by these words in place of a recipe; one that is called so itself is ``./export``."""

_Recipe = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE.toml",
        autocompletion=choices.behind_train,
        help="What to train, on what, and how.",
        rich_help_panel=Panel.INPUT,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Instead of a folder beside the recipe.", rich_help_panel=Panel.OUTPUT
    ),
]


@app.command()
def train(
    context: typer.Context,
    recipe: _Recipe,
    output: _Output = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the output folder.", rich_help_panel=Panel.OUTPUT)
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", rich_help_panel=Panel.INPUT)
    ] = None,
    device: options.Device = "auto",
    gpus: Annotated[
        int | None,
        typer.Option(min=1, help="Train on so many GPUs of this machine together.", rich_help_panel=Panel.MODEL),
    ] = None,
    plot: train_watching.Plot = None,
    tensorboard: train_watching.TensorBoard = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a model by a recipe: from simulated matches or from annotation files.

    A line a step goes to stderr. The output folder is then a checkpoint: `svlm caption --model DIR` takes it.
    """
    with as_rank():
        from svlm_cli.training.recipe import read

        wanted = read(recipe) if steps is None else read(recipe).with_steps(steps)
        if find_spec("accelerate") is None:  # the Trainer would say so later, at length
            raise UsageError("svlm train needs accelerate.", "Install svlm-cli[train].")
        from svlm_cli.compute.device import resolve_device
        from svlm_cli.training.log import to_nobody, to_stderr
        from svlm_cli.training.share import Share

        train_watching.check(plot, tensorboard)
        resolved = resolve_device(device)
        if gpus is not None:
            _require_gpus(gpus, resolved)
        folder = output or recipe.absolute().with_suffix("")
        if gpus is not None and gpus > launched.processes():
            Share.of(wanted.optimisation, ranks=gpus)
            flags = {"--resume": resume, "--quiet": quiet}
            start(
                gpus,
                [
                    *(["--debug"] if context.obj.debug else []),
                    *("train", str(recipe), "--output", str(folder), "--device", device),
                    *([] if steps is None else ["--steps", str(steps)]),
                    *(name for name, given in flags.items() if given),
                    *train_watching.arguments(plot, tensorboard),
                ],
            )
            return
        from svlm_cli.training.trainer import train as run

        say = to_nobody if quiet else to_stderr
        with train_watching.watchers(plot, tensorboard, folder, say) as watching:
            run(wanted, folder, device=resolved, resume=resume, say=say, watchers=watching)


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
