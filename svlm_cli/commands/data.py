"""``svlm data``: from videos with sound to a training set. The work is in ``curation/``."""

import typer

from svlm_cli.commands.data_check import check
from svlm_cli.commands.data_windows import windows

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Make a training set of videos with sound.")


@app.callback()
def _data() -> None:
    """Make a training set of videos with sound."""


app.command()(windows)
app.command()(check)
