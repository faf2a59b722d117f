"""The example calls of each command, read from ``examples.txt``, and the epilog of ``--help`` that shows them."""

import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NamedTuple

from svlm_cli.cli.messages import EXIT_CODES

_MARGIN = 2  # columns of the padding around an epilog


class Example(NamedTuple):
    """A call, and what it is for."""

    line: str
    what: str


@cache
def examples() -> dict[str, tuple[Example, ...]]:
    """The examples of each command, by the words behind ``svlm``."""
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    found = {}
    for part in text.split("\n[svlm")[1:]:
        head, *lines = part.strip("\n").split("\n")
        pairs = zip(lines[::2], lines[1::2], strict=True)
        found[head.strip(" ]")] = tuple(Example(line, what.removeprefix("# ")) for what, line in pairs)
    return found


def epilog(context: Any) -> str:
    """Examples, the commands that may follow, and for svlm itself exit codes; no wider than the terminal."""
    width = get_terminal_size().columns - _MARGIN
    following = getattr(context.command, "following", {})
    parts = [
        _section("Examples", _calls(examples().get(context.command_path.partition(" ")[2], ()), width)),
        _section("Commands", _rows([(name, one.get_short_help_str(200)) for name, one in following.items()], width)),
    ]
    if context.parent is None:
        parts.append(
            _section("Exit codes", _rows([(str(int(code)), text) for code, text in EXIT_CODES.items()], width))
        )
        parts.append(
            "\n".join(wrap("`svlm COMMAND --help` shows the help of a command, `svlm man` the manual.", width))
        )
    return "\n\n".join(filter(None, parts))


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return body and f"{title}:\n{body}"


def _rows(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    column = max((len(name) for name, _ in rows), default=0) + 4
    for name, text in rows:
        yield from wrap(text, width, initial_indent=f"  {name}".ljust(column), subsequent_indent=" " * column)


def _calls(calls: Iterable[Example], width: int) -> Iterator[str]:
    """What each is for, and the call, which goes on behind a backslash where it is too long, to be copied as it is."""
    for one in calls:
        yield from wrap(f"# {one.what}", width, initial_indent="  ", subsequent_indent="  # ")
        line = " "
        for word in shlex.split(one.line, posix=False):
            if len(f"{line} {word} \\") > width and line.strip():
                yield f"{line} \\"
                line = "     "
            line += f" {word}"
        yield line
