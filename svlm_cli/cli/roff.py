"""The manual page of svlm, or of one command, in the language of man(7), for ``mandoc`` and ``groff`` alike.

Knows no particular command.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

import typer

from svlm_cli.cli.described import Option, options
from svlm_cli.cli.environment import FILES, VARIABLES
from svlm_cli.cli.examples import Example, examples
from svlm_cli.cli.messages import EXIT_CODES
from svlm_cli.core.version import __version__

Commands = Sequence[tuple[tuple[str, ...], Any]]

_DASHES: Final = str.maketrans({"-": r"\-", "\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})


def page(commands: Commands, *, title: str, summary: str, description: str) -> str:
    """The page of these commands, each the words that call it and its definition. It names no date: it has none."""
    alone = len(commands) == 1
    lines = [f'.TH "{_escaped(title.upper())}" "1" "" "svlm {_escaped(__version__)}" "svlm"']
    lines += [".SH NAME", f"{_escaped(title)} \\- {_escaped(summary[:1].lower() + summary[1:].rstrip('.'))}"]
    lines += [".SH SYNOPSIS", *_synopsis(commands), ".SH DESCRIPTION", *_paragraphs(description)]
    if alone:
        lines += [".SH OPTIONS", *_panels(commands[0][1], ".SS")]
    else:
        lines += [".SH COMMANDS"]
        for words, command in commands:
            name = " ".join(("svlm", *words))
            lines += [f".SS {_quoted(name)}", *_paragraphs(command.help or "")]
            lines += _panels(command, None)
    lines += [".SH EXIT STATUS", *_list((str(int(code)), text) for code, text in EXIT_CODES.items())]
    lines += [".SH ENVIRONMENT", *_list(_variables(commands)), ".SH FILES", *_list(FILES)]
    calls = [one for words, _ in commands for one in examples().get(" ".join(words), ())]
    return "\n".join([*lines, ".SH EXAMPLES", *_examples(calls), ""])


def _synopsis(commands: Commands) -> Iterator[str]:
    for number, (words, command) in enumerate(commands):
        if number:
            yield ".br"
        pieces = command.collect_usage_pieces(typer.Context(command))
        yield rf"\fBsvlm {_escaped(' '.join(words))}\fR {_escaped(' '.join(pieces))}"


def _panels(command: Any, heading: str | None) -> Iterator[str]:
    for panel, listed in groupby(options(command), key=lambda one: one.panel):
        yield from (f"{heading} {_quoted(panel)}",) if heading else (".PP", rf"\fI{_escaped(panel)}\fR")
        for one in listed:
            yield from _option(one)


def _option(one: Option) -> Iterator[str]:
    yield from (".TP", rf"\fB{_escaped(one.title)}\fR", *_lines(one.text))


def _variables(commands: Commands) -> Iterator[tuple[str, str]]:
    """Those of the options, each with the options that it sets, then the others."""
    found: dict[str, str] = {}
    for _, command in commands:
        for one in options(command):
            if one.parameter.envvar:
                found.setdefault(one.parameter.envvar, f"Sets --{one.key}.")
    yield from found.items()
    yield from ((one.name, one.text) for one in VARIABLES)


def _list(rows: Any) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", rf"\fB{_escaped(name)}\fR", *_lines(text))


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield from _lines(part)


def _examples(calls: Sequence[Example]) -> Iterator[str]:
    for number, one in enumerate(calls):
        yield from (".PP",) if number else ()
        yield from (*_lines(one.what), ".PP", ".RS 4", ".nf", _line(one.line), ".fi", ".RE")


def _lines(text: str) -> Iterator[str]:
    """Running text, which the formatter fills anew."""
    yield from map(_line, wrap(" ".join(text.split()), 72, break_on_hyphens=False))


def _line(text: str) -> str:
    """A line of text, which is none of commands to the formatter."""
    escaped = _escaped(text)
    return rf"\&{escaped}" if escaped.startswith((".", r"\(aq")) else escaped


def _escaped(text: str) -> str:
    ascii_ = "".join(char if char.isascii() else f"\0{ord(char):04X}\0" for char in text).translate(_DASHES)
    return re.sub("\0(.+?)\0", r"\\[u\1]", ascii_)


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', r"\(dq") + '"'
