"""``svlm train export``: a checkpoint of what a run has learned so far, however it ended."""

from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands.panels import Panel

app = typer.Typer(add_completion=False)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The output folder of `svlm train`.")],
    output: Annotated[
        Path, Panel.OUTPUT.option("--output", "-o", metavar="DIR", help="A new folder.", show_default=False)
    ],
    step: Annotated[
        int | None,
        Panel.INPUT.option(min=1, help="The state after this step.", show_default="the newest that is whole"),
    ] = None,
) -> None:
    """Make a checkpoint of a run's newest state, and print its folder.

    However the run ended, or while it goes on; without a GPU and without its data. Of a run with an adapter comes an
    adapter.
    """
    from svlm_cli.training.export import export as write

    write(run, output, step)
    typer.echo(output)
