"""``svlm data``: from videos with sound to a training set, a command a step. Each is in a module of its own."""

import typer

from svlm_cli.commands.data_check import check
from svlm_cli.commands.data_clean import clean
from svlm_cli.commands.data_windows import windows
from svlm_cli.commands.data_words import words

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Make a training set from videos with sound.")


app.command()(words)
app.command()(clean)
app.command()(windows)
app.command()(check)
