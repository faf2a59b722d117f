"""What the commands of svlm are, as data: ``--help``, the manual and the configuration are made of it.

A command is described by the options that it was defined with, and nothing is said of it twice. Knows no terminal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from typer.core import TyperArgument, TyperGroup, TyperOption

from svlm_cli.commands.panels import Panel


@dataclass(frozen=True, slots=True)
class Option:
    """One option or argument, as it was defined."""

    parameter: Any
    kind: Any  # the type of its value, or of one of its values
    names: tuple[str, ...]  # the short one first; of an argument, what stands for it
    value: str  # what stands for its value; empty for a flag
    help: str
    default: str  # as people write it; empty if there is nothing to say
    limits: str
    variable: str  # of the environment; empty if there is none
    panel: Panel
    is_argument: bool

    @property
    def key(self) -> str:
        """Its name in a configuration file: that of the long option."""
        return next((name for name in self.names if name.startswith("--")), self.names[0]).lstrip("-")

    @property
    def title(self) -> str:
        """``-m, --model NAME``."""
        return f"{', '.join(self.names)} {self.value}".rstrip()

    @property
    def notes(self) -> str:
        """What is to be known besides, in brackets; empty if there is nothing."""
        notes = [
            f"default: {self.default}" if self.default else "",
            self.limits,
            f"env: {self.variable}" if self.variable else "",
        ]
        told = "; ".join(filter(None, notes))
        return f"[{told}]" if told else ""


def options(command: Any, context: Any = None) -> list[Option]:
    """All that are shown, by panel. With a context, defaults are those in force there."""
    shown = [one for one in command.params if not one.hidden]
    if command.add_help_option and context is not None:
        shown.append(command.get_help_option(context))
    order = list(Panel)
    return sorted((option_of(command, one, context) for one in shown), key=lambda one: order.index(one.panel))


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands that do something, each with the words that call it."""
    if not isinstance(command, TyperGroup):
        yield path, command
        for name, one in getattr(command, "following", {}).items():  # those that are called by a word behind its name
            yield (*path, name), one
        return
    for name in command.list_commands(None):  # type: ignore[arg-type]  # the list does not depend on the call
        one = command.get_command(None, name)  # type: ignore[arg-type]  # as above
        if one is not None and not one.hidden:
            yield from leaves(one, *path, name)


def option_of(command: Any, parameter: Any, context: Any = None) -> Option:
    """One parameter of a command, described."""
    kind, declared = _declarations(command.callback).get(parameter.name, (bool, None))
    panel = parameter.rich_help_panel or Panel.OTHER
    if isinstance(parameter, TyperArgument):
        name = parameter.metavar or parameter.name.upper()
        names: tuple[str, ...] = (f"{name}..." if parameter.nargs != 1 else name,)
        value = ""
    else:
        names, value = _names(parameter), _value(parameter, kind)
    return Option(
        parameter=parameter,
        kind=kind,
        names=names,
        value=value,
        help=parameter.help or "",
        default=_default(parameter, context),
        limits=_limits(declared),
        variable=parameter.envvar or "",
        panel=Panel(panel),
        is_argument=isinstance(parameter, TyperArgument),
    )


@cache
def _declarations(function: Any) -> dict[str, tuple[Any, Any]]:
    """Of each parameter of a command's function, its type and what `typer.Option` or `typer.Argument` made of it."""
    hints = get_type_hints(function, include_extras=True) if function is not None else {}  # some groups have none
    return {name: (_kind(hint), hint.__metadata__[0]) for name, hint in hints.items() if get_origin(hint) is Annotated}


def _kind(hint: Any) -> Any:
    """The type of one value: without Annotated, None and list."""
    origin, inner = get_origin(hint), [one for one in get_args(hint) if one is not NoneType]
    return _kind(inner[0]) if origin in (Annotated, Union, UnionType, list) else hint


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(one) for one in get_args(kind)]
    return [str(one.value) for one in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def _names(parameter: TyperOption) -> tuple[str, ...]:
    return (*sorted(parameter.opts, key=lambda name: name.startswith("--")), *parameter.secondary_opts)


def _value(parameter: TyperOption, kind: Any) -> str:
    if parameter.is_flag:
        return ""
    if parameter.metavar:
        return parameter.metavar
    if choices := _choices(kind):
        return "|".join(choices)
    kinds = {int: "N", float: "X", Path: "PATH"}
    return kinds.get(kind, "TEXT")


def _default(parameter: Any, context: Any) -> str:
    value = parameter.default if context is None else parameter.get_default(context, call=False)
    if isinstance(parameter, TyperArgument) and not parameter.show_default:
        return ""
    if value is None or value in ("", (), []) or value is False or parameter.required:
        return otherwise(parameter)
    if value is True:
        return parameter.opts[0] if parameter.secondary_opts else ""
    return written(value)


def otherwise(parameter: Any) -> str:
    """What an option means that nobody sets, as it was declared; empty if that was not said."""
    return parameter.show_default if isinstance(parameter.show_default, str) else ""


def written(value: Any) -> str:
    """A value as people write it on a command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ",".join(map(written, value))
    return str(value)


def _limits(declared: Any) -> str:
    least, most = getattr(declared, "min", None), getattr(declared, "max", None)
    if least is None and most is None:
        return ""
    if most is None:
        return f"{least:g} or more"
    return f"{least:g} to {most:g}"
