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


@_plot.command()
def plot(
    logs: Annotated[
        list[Path],
        typer.Argument(metavar="LOG.jsonl|RUN", help="What `svlm train` has logged, or the folder that it is in."),
    ],
    output: Annotated[
        Path,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="FILE",
            help="The picture, .png or .svg; it is replaced if it is there.",
            show_default=False,
        ),
    ],
) -> None:
    """Draw the curves of one run, or of several in one picture.

    Loss and right tokens, learned and held out, speed, and the norm of the gradient, by step.
    """
    from svlm_cli.training.curves import draw, read_logs, require_curves

    require_curves(output, needed_by="svlm train plot", hint="Choose another -o.")
    draw(output, read_logs(logs))
    typer.echo(output)
