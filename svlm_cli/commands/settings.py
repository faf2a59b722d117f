"""The configuration file: which there is, what may stand in it, and the defaults that it gives to a command.

A table is a command, a key an option's name; keys before the first table are those that the environment may set, too.
Read strictly. The command line wins over the environment, that over the file, and the file over what is built in. It is
the user's own file alone: none is looked for beside videos, which may be anybody's. Knows no particular command.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer

from svlm_cli.commands.described import Option, options
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address
from svlm_cli.core.text import did_you_mean

VARIABLE: Final = "SVLM_CONFIG"
_PREFIX: Final = "SVLM_"

# What belongs to one call: in a file it would hit every call.
_ONE_CALL: Final = frozenset(
    "at batch-file burn-in choice clips control end events help init input-option json keep limit mux name only output "
    "path plot policy predictions report resume row save set show-prompts start step tensorboard toml write".split()
)
_CAREFUL: Final = frozenset({"config", "doctor", "man"})  # they help where the file is broken


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration file as it was read; without one, `tables` is empty."""

    path: Path
    exists: bool = False
    tables: Mapping[str, Any] = field(default_factory=dict)


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration file is, or would be. `UsageError` for an address."""
    if named := environment.get(VARIABLE):
        if is_address(named):
            raise UsageError(f"{VARIABLE} is an address, not a file.", f"Correct or unset {VARIABLE}.")
        return Path(os.path.expanduser(named))  # noqa: PTH111  Path.expanduser raises for a user who is not there
    home = environment.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else Path(os.path.expanduser("~/.config"))  # noqa: PTH111
    return base / "svlm" / "config.toml"


def read() -> Settings:
    """The configuration file. `UsageError` if it cannot be read, or is named and not there."""
    from svlm_cli.checkpoints import toml

    path = config_path()
    if not path.exists():
        if os.environ.get(VARIABLE):
            raise UsageError(f"There is no file {path}.", f"Correct or unset {VARIABLE}, which names it.")
        return Settings(path)
    text = toml.read_text(path, what="a configuration", error=UsageError)
    return Settings(path, True, toml.Document(str(path), UsageError, ()).tables(text))


def defaults(context: Any, *, tolerant: bool = False) -> dict[str, Any]:
    """What the file says of a command's options, by parameter. `UsageError` for what it may not say.

    Where all is to be tolerated, or the command is one that helps to mend the file, a broken one says nothing.
    """
    words = tuple(context.command_path.split(" ")[1:])
    try:
        settings = read()
        check_top(settings, list(context.find_root().command.commands))
        values = of_command(settings, words, context)
    except UsageError:
        if tolerant or (words and words[0] in _CAREFUL):
            return {}
        raise
    return {one.parameter.name: values[one.key] for one in settable(context.command) if one.key in values}


def settable(command: Any) -> list[Option]:
    """The options of a command that may stand in a file."""
    return [one for one in options(command) if not one.is_argument and one.key not in _ONE_CALL]


def table_of(settings: Settings, words: Sequence[str]) -> dict[str, Any]:
    """A command's own table, with its keys as options are written. `UsageError` if it is none."""
    found: Any = settings.tables
    for depth, word in enumerate(words):
        found = found.get(word, {})
        if not isinstance(found, dict):
            place = ".".join(words[: depth + 1])
            raise UsageError(f"{settings.path}: {place} must be a table.", f"Write [{place}] on a line of its own.")
    return {key.replace("_", "-"): value for key, value in found.items()}


def of_command(settings: Settings, words: Sequence[str], context: Any) -> dict[str, Any]:
    """What holds for a command, by key: its own table's values, else those before the first table."""
    for depth, group in enumerate(_groups(context), 1):
        place, known = ".".join(words[:depth]), list(group.commands)
        for name in table_of(settings, words[:depth]):
            if name not in known:
                raise _unknown(settings, f"{place}.{name}", [f"{place}.{one}" for one in known])
    table, known_options = ".".join(words), {one.key: one for one in settable(context.command)}
    values = {}
    following = getattr(context.command, "following", {})
    for key, value in table_of(settings, words).items():
        place = f"{table}.{key}"
        if key in following and isinstance(value, dict):
            continue  # a table of its own
        if key in _ONE_CALL and any(one.key == key for one in options(context.command)):
            raise UsageError(f"{settings.path}: {place} cannot be set here.", f"Give --{key} in each call.")
        if key not in known_options:
            raise _unknown(settings, place, [f"{table}.{one}" for one in known_options])
        values[key] = _value(settings, place, known_options[key], value, context)
    for written, value in settings.tables.items():
        key = written.replace("_", "-")
        option = known_options.get(key)
        if option is not None and key not in values and is_shared(option) and not isinstance(value, dict):
            values[key] = _value(settings, written, option, value, context)
    return values


def _groups(context: Any) -> list[Any]:
    """Those that a command is in, the outermost first; svlm itself is not among them."""
    found: list[Any] = []
    while (context := context.parent) is not None and context.parent is not None:
        found.insert(0, context.command)
    return found


@cache
def shared() -> tuple[str, ...]:
    """The keys that may stand before the first table: those of the options that have a variable, in every command."""
    from svlm_cli.commands import options as defined

    kinds = [one.__metadata__[0] for one in vars(defined).values() if hasattr(one, "__metadata__")]
    variables = [str(one.envvar) for one in kinds if isinstance(one, type(typer.Option())) and one.envvar]
    return tuple(variable.removeprefix(_PREFIX).lower() for variable in dict.fromkeys(variables))


def variable_of(key: str) -> str:
    """The variable that sets the same as a key before the first table."""
    return f"{_PREFIX}{key.upper()}"


def is_shared(option: Option) -> bool:
    """Whether the option's key may stand before the first table. One without the variable is another of that name."""
    return option.key in shared() and bool(option.variable)


def check_top(settings: Settings, commands: Sequence[str]) -> None:
    """`UsageError` for a table that is no command, and for a key before the first table that has no place there."""
    for written, value in settings.tables.items():
        known = commands if isinstance(value, dict) else shared()
        if written.replace("_", "-") in known:
            continue
        if not isinstance(value, dict) and written in commands:
            raise UsageError(f"{settings.path}: {written} must be a table.", f"Write [{written}] on its own line.")
        hint = (
            did_you_mean(written, [*shared(), *commands], quoted=True)
            or f"Before the first table there may be {', '.join(shared())}."
        )
        if isinstance(value, dict):
            hint = did_you_mean(written, commands, quoted=True) or f"Tables are commands: {', '.join(commands)}."
        raise UsageError(f"{settings.path}: unknown {_kind(value)} {written!r}.", hint)


def _kind(value: Any) -> str:
    return "table" if isinstance(value, dict) else "key"


def _unknown(settings: Settings, key: str, known: Sequence[str]) -> UsageError:
    return UsageError(
        f"{settings.path}: unknown key {key!r}.",
        did_you_mean(key, known, quoted=True) or "`svlm config` lists all keys.",
    )


def _value(settings: Settings, key: str, option: Option, value: Any, context: Any) -> Any:
    """As the command line would give it, after checking that it can be understood."""
    words = list(_words(settings, key, option, value))
    parameter = option.parameter
    if parameter.is_flag:
        given: Any = value
    else:
        given = words if parameter.multiple else ",".join(words)
    try:
        parameter.process_value(context, given)
    except typer.BadParameter as error:
        from svlm_cli.commands.messages import ended

        raise UsageError(f"{settings.path}: {key}: {ended(error.message)}") from None  # it quotes the beginning
    return given


def _words(settings: Settings, key: str, option: Option, value: Any) -> Iterator[str]:
    number = option.kind in (int, float)
    listed = option.parameter.multiple or "," in option.value
    expected = (
        ("true or false", bool)
        if option.parameter.is_flag
        else ("a whole number", int)
        if option.kind is int
        else ("a number", (int, float))
        if number
        else ("a text, or a list of texts", (str, list))
        if listed
        else ("a text", str)
    )
    if not isinstance(value, expected[1]) or (number and isinstance(value, bool)):
        raise UsageError(f"{settings.path}: {key} must be {expected[0]}, not {_shown(value)}.")
    for one in value if isinstance(value, list) else [value]:
        if isinstance(value, list) and not isinstance(one, str):
            raise UsageError(f"{settings.path}: {key} must be {expected[0]}, not {_shown(value)}.")
        yield os.path.expanduser(str(one)) if option.kind is Path else str(one)  # noqa: PTH111  no shell does it here


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else re.sub(r"\s+", " ", shown(value))
