"""The commands of svlm and their options as data, for the manual and the configuration.

Typer describes each option (`get_help_record`); the types of values are those of the ``Annotated`` declarations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Option:
    """One option or argument, as declared."""

    parameter: Any
    kind: Any  # the type of its value, or of one of its values
    title: str  # --model, -m NAME
    text: str  # its help, with default, variable and limits in brackets
    panel: str

    @property
    def key(self) -> str:
        """Its name in a configuration file: that of the long option."""
        return next((name for name in self.parameter.opts if name.startswith("--")), self.title).lstrip("-")

    @property
    def value(self) -> str:
        """What stands for its value; empty for a flag."""
        return "" if self.parameter.is_flag else self.title.split(" ", len(self.parameter.opts))[-1].strip("<>")

    @property
    def is_argument(self) -> bool:
        """Whether it is given by its place."""
        return bool(self.parameter.param_type_name == "argument")

    @property
    def unset(self) -> str:
        """What it means if nobody sets it, where that was declared; else empty."""
        return self.parameter.show_default if isinstance(self.parameter.show_default, str) else ""


def options(command: Any) -> list[Option]:
    """All that are shown, by panel, in the order of the help."""
    context, kinds, found = typer.Context(command), _kinds(command.callback), []
    for one in command.params:
        if record := one.get_help_record(context):
            title, text = record
            panel = one.rich_help_panel or f"{one.param_type_name.capitalize()}s"
            found.append(Option(one, kinds.get(one.name), title, text, panel))
    panels = list(dict.fromkeys(["Arguments", "Options", *(one.panel for one in found)]))
    return sorted(found, key=lambda one: panels.index(one.panel))


def contexts(command: Any, name: str = "svlm", parent: typer.Context | None = None) -> Iterator[typer.Context]:
    """A context for each command that does something, within those of its groups."""
    context = typer.Context(command, info_name=name, parent=parent)
    if isinstance(command, TyperGroup):
        for word, one in command.commands.items():
            yield from contexts(one, word, context)
        return
    yield context
    for word, one in getattr(command, "following", {}).items():  # called by a word behind the command's name
        yield from contexts(one, f"{name} {word}", parent)


def words_of(context: typer.Context) -> tuple[str, ...]:
    """The words that call a command, without ``svlm``."""
    return tuple(context.command_path.split(" ")[1:])


def leaves(command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands that do something, each with the words that call it."""
    yield from ((words_of(one), one.command) for one in contexts(command))


@cache
def _kinds(function: Any) -> dict[str, Any]:
    hints = get_type_hints(function, include_extras=True) if function is not None else {}  # some groups have none
    return {name: _kind(hint) for name, hint in hints.items()}


def _kind(hint: Any) -> Any:
    """The type of one value: without Annotated, None and list."""
    origin, inner = get_origin(hint), [one for one in get_args(hint) if one is not NoneType]
    return _kind(inner[0]) if origin in (Annotated, Union, UnionType, list) else hint


def written(value: Any) -> str:
    """A value as people write it on a command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(written, value)) if isinstance(value, list | tuple) else str(value)
