"""``svlm man``: the manual, shown on a terminal, else as the source of a manual page, which ``cli/roff.py`` writes."""

import shutil
import subprocess
import sys
from typing import Annotated

import typer

from svlm_cli.cli.manual import manual_of
from svlm_cli.commands.app import whole
from svlm_cli.commands.command_table import COMMANDS
from svlm_cli.core.process import without_secrets

app = typer.Typer(add_completion=False)


@app.command("man")
def man(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="Show only the page of this command, as in `svlm man bench latency`.",
            autocompletion=lambda: [(name, about) for name, (_, about) in COMMANDS.items()],
        ),
    ] = None,
) -> None:
    """Show the manual: every command and option, exit codes, environment, files.

    On a terminal, man(1) shows it. Otherwise the source of the page is printed, to be saved where man(1) finds it:
    `svlm man > ~/.local/share/man/man1/svlm.1`.
    """
    text = manual_of(whole(), tuple(command or ()))
    shows = sys.stdout.isatty() and shutil.which("man")
    if not shows:
        typer.echo(text, nl=False)
        return
    subprocess.run([shows, "-l", "-"], input=text.encode(), env=without_secrets(), check=False)
