"""``svlm train export`` and ``svlm train plot``: a checkpoint of a run, and the curves of runs."""

from pathlib import Path
from typing import Annotated, Final

import typer

from svlm_cli.cli.panels import Panel

_export, _plot = typer.Typer(add_completion=False), typer.Typer(add_completion=False)

FOLLOWING: Final = {"export": _export, "plot": _plot}
"""Called by these words in place of a recipe; one that is called so itself is ``./export``."""


@_export.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The output folder of `svlm train`.")],
    output: Annotated[
        Path, Panel.OUTPUT.option("--output", "-o", metavar="DIR", help="A new folder.", show_default=False)
    ],
    step: Annotated[
        int | None,
        Panel.INPUT.option(min=1, help="Export the state after this step.", show_default="the newest complete one"),
    ] = None,
) -> None:
    """Export a run's newest state as a checkpoint, and print its folder.

    Works while the run goes on and however it ended, without a GPU and without its data. A run that trains an adapter
    gives an adapter.
    """
    from svlm_cli.training.export import export as write

    write(run, output, step)
    typer.echo(output)


@_plot.command()
def plot(
    logs: Annotated[
        list[Path],
        typer.Argument(metavar="LOG.jsonl|RUN", help="Log of `svlm train`, or the folder of the run."),
    ],
    output: Annotated[
        Path,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="FILE",
            help="The plot, .png or .svg; an existing file is replaced.",
            show_default=False,
        ),
    ],
) -> None:
    """Plot the curves of one run, or of several in one plot.

    By step: loss and token accuracy in training and validation, speed, and gradient norm.
    """
    from svlm_cli.training.curves import draw, read_logs, require_curves

    require_curves(output, needed_by="svlm train plot", hint="Choose another -o.")
    draw(output, read_logs(logs))
    typer.echo(output)
