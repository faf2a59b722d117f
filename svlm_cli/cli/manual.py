"""The manual of all commands, or of some, as the source of a manual page. Knows no command by name."""

from typing import Any

from typer.core import TyperGroup

from svlm_cli.cli.described import leaves
from svlm_cli.cli.roff import page
from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import did_you_mean

_DESCRIPTION = """\
svlm captions video of any length, second by second: as subtitles, as JSON, in a copy of the video, or on a web page. It
follows the method of StreamingVLM: it forgets as it goes, so each second takes the same time and memory however long
the video is.

Standard output is for data; everything else goes to standard error. Nothing is overwritten unless asked for.

Options for every call can be set in a configuration file, see `svlm config`. The command line overrides the
environment, the environment the file, and the file the built-in defaults."""


def manual_of(root: Any, words: tuple[str, ...] = ()) -> str:
    """The page of all commands below `root`, or of those that begin with these words. Raises `UsageError`."""
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
