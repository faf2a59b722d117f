"""``--help``: what a command does, its options in panels, and examples. The same on a terminal and in a pipe.

Not Rich's help, which costs 0.2 s of imports for its boxes. Knows no particular command.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

from svlm_cli.commands.described import Option, option_of, options
from svlm_cli.commands.examples import EXAMPLES, Example
from svlm_cli.commands.messages import EXIT_CODES

_INDENT: Final = 2
_COLUMN: Final = 26  # where what is said of an option begins, unless its name is longer
_TIED: Final = "\xa0"
_LONG: Final = 30  # notes that are shorter stand on one line


def command_help(command: Any, context: Any) -> str:
    """The help of one command, as wide as the terminal, and no wider than is good to read."""
    width = context.make_formatter().width
    path = context.command_path
    lines = [*_usage(command, context, width), "", *_text(command.help or "", width)]
    if command.following:
        rows = [(name, one.get_short_help_str(200)) for name, one in command.following.items()]
        lines += ["", heading("Commands"), *_rows(rows, width)]
    for panel, listed in groupby(options(command, context), key=lambda one: one.panel):
        lines += ["", heading(panel.value), *_rows(map(_row, listed), width)]
    return "\n".join([*lines, *_examples(EXAMPLES.get(path.partition(" ")[2], ()), width)])


def group_help(command: Any, context: Any) -> str:
    """The help of a group: its commands, its options, and for svlm itself examples and exit codes."""
    width = context.make_formatter().width
    names = command.list_commands(context)
    listed = [(name, command.get_command(context, name)) for name in names]
    commands = [(name, one.get_short_help_str(200)) for name, one in listed if one is not None and not one.hidden]
    lines = [*_usage(command, context, width), "", *_text(command.help or "", width)]
    lines += ["", heading("Commands"), *_rows(commands, width)]
    lines += ["", heading("Options"), *_rows(map(_row, options(command, context)), width)]
    if context.parent is None:
        lines += _examples(EXAMPLES[""], width)
        codes = [(str(int(code)), text) for code, text in EXIT_CODES.items()]
        lines += ["", heading("Exit codes"), *_rows(codes, width, column=7)]
        lines += ["", *_text("`svlm COMMAND --help` says more of each, `svlm man` all of it.", width)]
    return "\n".join(lines)


def heading(text: str) -> str:
    """A panel's name; it stands out where there is colour."""
    return _styled(f"{text}:", "1")


def _styled(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def usage_pieces(command: Any) -> list[str]:
    """What follows a command's name: ``[OPTIONS] RECIPE.toml``."""
    arguments = [option_of(command, one) for one in command.params if one.param_type_name == "argument"]
    return ["[OPTIONS]", *(one.names[0] if one.parameter.required else f"[{one.names[0]}]" for one in arguments)]


def _usage(command: Any, context: Any, width: int) -> Iterator[str]:
    head = f"Usage: {context.command_path} "
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from wrap(head + pieces, width, subsequent_indent=" " * len(head))


def _text(text: str, width: int) -> Iterator[str]:
    """Paragraphs, wrapped."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ""
        yield from wrap(paragraph, width, initial_indent=" " * _INDENT, subsequent_indent=" " * _INDENT)


def _row(one: Option) -> tuple[str, str]:
    notes = "; ".join(note.replace(" ", _TIED) if len(note) < _LONG else note for note in one.notes.split("; "))
    return one.title, f"{one.help} {notes}".strip()


def _rows(rows: Iterable[tuple[str, str]], width: int, column: int = _COLUMN) -> Iterator[str]:
    """Names on the left, what is said of them on the right, or below where a name is long."""
    column = min(column, width // 3)
    room = width - column
    for name, text in rows:
        lines = [line.replace(_TIED, " ") for line in wrap(text, room, break_on_hyphens=False)] or [""]
        if _INDENT + len(name) + 2 > column:
            yield f"{'':{_INDENT}}{name}"
        else:
            yield f"{'':{_INDENT}}{name:{column - _INDENT}}{lines.pop(0)}".rstrip()
        yield from (f"{'':{column}}{line}" for line in lines if line)


def _examples(examples: Iterable[Example], width: int) -> Iterator[str]:
    """A line that says what for, and the command, which is never broken: it is there to be copied."""
    for number, one in enumerate(examples):
        yield from ("", heading("Examples")) if not number else ()
        yield from wrap(f"# {one.what}", width, initial_indent=" " * _INDENT, subsequent_indent=f"{'':{_INDENT}}# ")
        yield f"{'':{_INDENT}}{one.line}"
