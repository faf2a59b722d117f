"""``svlm man``: the manual, shown on a terminal, else as the source of a manual page, which ``cli/roff.py`` writes."""

import shutil
import subprocess
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from svlm_cli.cli.described import leaves
from svlm_cli.cli.roff import page
from svlm_cli.commands import choices
from svlm_cli.commands.app import whole
from svlm_cli.core.errors import UsageError
from svlm_cli.core.process import without_secrets
from svlm_cli.core.text import did_you_mean

app = typer.Typer(add_completion=False)

_DESCRIPTION = """\
svlm captions video of any length, second by second: as subtitles, as JSON, in a copy of the video, or on a web page. It
follows the method of StreamingVLM: it forgets as it goes, so each second takes the same time and memory however long
the video is.

Standard output is for data; everything else goes to standard error. Nothing is overwritten unless asked for.

Options for every call can be set in a configuration file, see `svlm config`. The command line overrides the
environment, the environment the file, and the file the built-in defaults."""


@app.command("man")
def man(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="Show only the page of this command, as in `svlm man bench latency`.",
            autocompletion=choices.commands,
        ),
    ] = None,
) -> None:
    """Show the manual: every command and option, exit codes, environment, files.

    On a terminal, man(1) shows it. Otherwise the source of the page is printed, to be saved where man(1) finds it:
    `svlm man > ~/.local/share/man/man1/svlm.1`.
    """
    text = manual(tuple(command or ()))
    shows = sys.stdout.isatty() and shutil.which("man")
    if not shows:
        typer.echo(text, nl=False)
        return
    subprocess.run([shows, "-l", "-"], input=text.encode(), env=without_secrets(), check=False)


def manual(words: tuple[str, ...] = ()) -> str:
    """The page of all commands, or of those that begin with these words."""
    root = whole()
    listed = [(path, one) for path, one in leaves(root) if path[: len(words)] == words]
    if not listed:
        known = [" ".join(path) for path, _ in leaves(root)]
        asked = " ".join(words)
        raise UsageError(f"There is no command {asked}.", did_you_mean(asked, known) or "`svlm --help` lists them.")
    if not words:
        return page(listed, title="svlm", summary=root.help, description=_DESCRIPTION)
    about = _described(root, words)
    return page(
        listed,
        title="-".join(("svlm", *words)),
        summary=about.partition("\n\n")[0].partition(". ")[0],
        description=about,
    )


def _described(root: Any, words: tuple[str, ...]) -> str:
    for word in words:
        root = root.commands[word] if isinstance(root, TyperGroup) else root.following[word]
    return str(root.help)
