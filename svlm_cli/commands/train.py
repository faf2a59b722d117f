"""``svlm train``: a recipe in, a checkpoint folder out. The work is in ``training/``."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from svlm_cli.cli.messages import print_json
from svlm_cli.cli.takes import takes
from svlm_cli.commands.train_following import FOLLOWING
from svlm_cli.commands.train_options import TFLOPS, TrainOptions
from svlm_cli.core import launched
from svlm_cli.core.errors import UsageError
from svlm_cli.core.sentences import sentence
from svlm_cli.outputs.tables import add_rows, table_console
from svlm_cli.training import launching

if TYPE_CHECKING:
    from svlm_cli.training.recipe import Recipe

__all__ = ["FOLLOWING", "app"]  # what `commands/app.py` looks for

app = typer.Typer(add_completion=False)


@app.command()
@takes(TrainOptions)
def train(asked: TrainOptions) -> None:
    """Train a model by a recipe: from simulated matches or from annotation files.

    One line per step goes to stderr. The output folder is then a checkpoint: `svlm caption --model DIR` takes it.
    """
    with launching.as_rank():
        from svlm_cli.training.recipe import read

        asked.refuse_idle()
        recipe = read(asked.recipe)
        recipe = recipe if asked.steps is None else recipe.with_steps(asked.steps)
        if asked.dry_run:
            _forecast(recipe, asked)
        else:
            _run(recipe, asked)


def _run(recipe: "Recipe", asked: TrainOptions) -> None:
    if find_spec("accelerate") is None:  # the Trainer would say so later, at length
        raise UsageError("svlm train needs accelerate.", "Install svlm-cli[train].")
    from svlm_cli.compute.device import resolve_device
    from svlm_cli.training.log import to_nobody, to_stderr
    from svlm_cli.training.share import Share
    from svlm_cli.training.watching import RunWatching

    watching = RunWatching(asked.plot, asked.tensorboard)
    watching.check()
    device = resolve_device(asked.device)
    if asked.gpus is not None:
        launching.require_gpus(asked.gpus, device)
    if asked.gpus is not None and asked.gpus > launched.processes():
        Share.of(recipe.optimisation, ranks=asked.gpus)
        if code := launching.start(asked.gpus, asked.of_a_rank()):
            raise typer.Exit(code)
        return
    from svlm_cli.training.trainer import train as run

    say = to_nobody if asked.quiet else to_stderr
    with watching.watchers(asked.folder, say) as watchers:
        run(recipe, asked.folder, device=device, resume=asked.resume, say=say, watchers=watchers)


def _forecast(recipe: "Recipe", asked: TrainOptions) -> None:
    """Makes some windows of the recipe, and prints what all of them would take on so many GPUs."""
    from rich.table import Table

    from svlm_cli.training.forecast import forecast
    from svlm_cli.training.forecast_table import forecast_rows
    from svlm_cli.training.log import to_nobody, to_stderr

    found = forecast(recipe, gpus=asked.gpus or 1, say=to_nobody if asked.quiet else to_stderr)
    tflops = asked.tflops or TFLOPS
    if asked.as_json:
        print_json(found.to_json(tflops))
    else:
        table = Table(box=None, show_header=False)
        table.add_column()
        table.add_column(justify="right")
        add_rows(table, forecast_rows(found, tflops))
        table_console().print(table)
    if found.notice and not asked.quiet:
        typer.echo(sentence(found.notice), err=True)
