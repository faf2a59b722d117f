"""``svlm train``: a recipe in, a checkpoint folder out. The work is in ``training/``."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands import options
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError

app = typer.Typer(add_completion=False)


@app.command()
def train(
    recipe: Annotated[
        Path,
        typer.Argument(metavar="RECIPE.toml", help="What to train, on what, and how.", rich_help_panel=Panel.INPUT),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Instead of a folder beside the recipe.", rich_help_panel=Panel.OUTPUT
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the output folder.", rich_help_panel=Panel.OUTPUT)
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", rich_help_panel=Panel.INPUT)
    ] = None,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Train a model by a recipe: from simulated matches or from annotation files.

    A line a step goes to stderr. The output folder is then a checkpoint: `svlm caption --model DIR` takes it.
    """
    from svlm_cli.training.recipe import read

    wanted = read(recipe) if steps is None else read(recipe).with_steps(steps)
    if find_spec("accelerate") is None:  # the Trainer would say so later, at length
        raise UsageError("svlm train needs accelerate.", "Install svlm-cli[train].")
    from svlm_cli.compute.device import resolve_device
    from svlm_cli.training.log import to_nobody, to_stderr
    from svlm_cli.training.trainer import train as run

    say = to_nobody if quiet else to_stderr
    run(wanted, output or recipe.absolute().with_suffix(""), device=resolve_device(device), resume=resume, say=say)
