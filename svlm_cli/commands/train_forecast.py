"""``svlm train --dry-run``: what a run would take, as a table or for programs. The counting is in ``training/``."""

from typing import TYPE_CHECKING

import typer

from svlm_cli.commands.messages import sentence
from svlm_cli.commands.tables import add_rows, print_json, table_console

if TYPE_CHECKING:
    from svlm_cli.training.forecast import Forecast
    from svlm_cli.training.recipe import Recipe


def tell_forecast(recipe: "Recipe", *, gpus: int, tflops: float, as_json: bool, quiet: bool) -> None:
    """Makes some windows of the recipe, and prints what all of them would take on so many GPUs."""
    from svlm_cli.training.forecast import forecast
    from svlm_cli.training.log import to_nobody, to_stderr

    found = forecast(recipe, gpus=gpus, say=to_nobody if quiet else to_stderr)
    if as_json:
        print_json(found.to_json(tflops))
    else:
        _print(found, tflops)
    if found.notice and not quiet:
        typer.echo(sentence(found.notice), err=True)


def _print(found: "Forecast", tflops: float) -> None:
    from rich.table import Table

    from svlm_cli.training.forecast_table import forecast_rows

    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    add_rows(table, forecast_rows(found, tflops))
    table_console().print(table)
