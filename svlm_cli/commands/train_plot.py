"""``svlm train plot``: the curves of one run, or of several in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import InputError

app = typer.Typer(add_completion=False)


@app.command()
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
    from svlm_cli.outputs.destination import refuse_unwritable
    from svlm_cli.outputs.figures import require_matplotlib
    from svlm_cli.training.curves import draw, require_format
    from svlm_cli.training.folder import LOG_FILE
    from svlm_cli.training.log import rows_of

    require_format(output)
    require_matplotlib("svlm train plot")
    refuse_unwritable(output, makes_folders=True, hint="Choose another -o.")
    runs = {}
    for log in logs:
        path = log / LOG_FILE if log.is_dir() else log
        try:
            runs[str(log)] = rows_of(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as a log.", "Name what `svlm train` has written.") from error
        if not runs[str(log)]:
            raise InputError(f"{path} has no step yet.", "Name what `svlm train` has written.")
    draw(output, runs)
    typer.echo(output)
