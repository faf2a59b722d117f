"""The configuration file: where it is, what may stand in it, and the `default_map` that it gives a command.

A table is a command, a key an option's name; keys before the first table are those of options with a variable. Read
strictly. The command line wins over the environment, the environment over the file, the file over what is built in.
Only the user's own file is read, and none beside the videos, which may be anybody's. Knows no particular command.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from svlm_cli.cli.described import Option, options, words_of
from svlm_cli.cli.messages import ended
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address
from svlm_cli.core.text import did_you_mean

VARIABLE: Final = "SVLM_CONFIG"
_PREFIX: Final = "SVLM_"

# The keys that may stand before the first table: those of the options in commands/options.py that have a variable.
SHARED: Final = ("model", "revision", "offline", "device", "dtype", "attention", "graphs", "seed")

# Options of one call: in a file they would change every call.
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

    def table(self, words: Sequence[str]) -> dict[str, Any]:
        """A command's own table, with its keys as options are written. `UsageError` if it is not a table."""
        found: Any = self.tables
        for depth, word in enumerate(words):
            found = found.get(word, {})
            if not isinstance(found, dict):
                place = ".".join(words[: depth + 1])
                raise UsageError(f"{self.path}: {place} must be a table.", f"Write [{place}] on a line of its own.")
        return {key.replace("_", "-"): value for key, value in found.items()}


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

    If `tolerant`, or for a command that helps to repair the file, a broken file says nothing.
    """
    try:
        found = read()
        check_top(found, list(context.find_root().command.commands))
        return of_command(found, context)
    except UsageError:
        if tolerant or context.find_root().invoked_subcommand in _CAREFUL:
            return {}
        raise


def settable(command: Any) -> list[Option]:
    """The options of a command that may stand in a file."""
    return [one for one in options(command) if not one.is_argument and one.key not in _ONE_CALL]


def of_command(settings: Settings, context: typer.Context) -> dict[str, Any]:
    """What holds for a command, by parameter: its own table's values, else those before the first table."""
    command, words = context.command, words_of(context)
    _check_groups(settings, context.parent)
    known = {one.key: one for one in settable(command)}
    values = {}
    for key, value in settings.table(words).items():
        place = f"{'.'.join(words)}.{key}"
        if key in getattr(command, "following", {}) and isinstance(value, dict):
            continue  # a table of its own
        if key in _ONE_CALL and any(one.key == key for one in options(command)):
            raise UsageError(f"{settings.path}: {place} cannot be set here.", f"Give --{key} in each call.")
        if key not in known:
            raise _unknown(settings, words, key, known)
        values[known[key].parameter.name] = _checked(settings, place, known[key], value, context)
    for written, value in settings.tables.items():
        option = known.get(written.replace("_", "-"))
        if option and is_shared(option) and option.parameter.name not in values and not isinstance(value, dict):
            values[option.parameter.name] = _checked(settings, written, option, value, context)
    return values


def _check_groups(settings: Settings, group: Any) -> None:
    """`UsageError` for a key in a group's table that is not one of its commands; `check_top` checks svlm's own."""
    while group is not None and group.parent is not None:
        commands = getattr(group.command, "commands", {})
        for name in settings.table(words_of(group)):
            if name not in commands:
                raise _unknown(settings, words_of(group), name, commands)
        group = group.parent


def variable_of(key: str) -> str:
    """The variable that sets the same as a key before the first table."""
    return f"{_PREFIX}{key.upper()}"


def is_shared(option: Option) -> bool:
    """Whether the option's key may stand before the first table. One without the variable is another of that name."""
    return option.key in SHARED and bool(option.parameter.envvar)


def check_top(settings: Settings, commands: Sequence[str]) -> None:
    """`UsageError` for a table that is not a command, and for a key before the first table that must not be there."""
    for written, value in settings.tables.items():
        is_table = isinstance(value, dict)
        if written.replace("_", "-") in (commands if is_table else SHARED):
            continue
        if not is_table and written in commands:
            raise UsageError(f"{settings.path}: {written} must be a table.", f"Write [{written}] on its own line.")
        listed = f"Tables are commands: {', '.join(commands)}."
        if not is_table:
            listed = f"Before the first table there may be {', '.join(SHARED)}."
        near = did_you_mean(written, commands if is_table else [*SHARED, *commands], quoted=True)
        raise UsageError(f"{settings.path}: unknown {'table' if is_table else 'key'} {written!r}.", near or listed)


def _unknown(settings: Settings, words: Sequence[str], key: str, known: Mapping[str, Any]) -> UsageError:
    table = ".".join(words)
    near = did_you_mean(f"{table}.{key}", [f"{table}.{one}" for one in known], quoted=True)
    message = f"{settings.path}: unknown key '{table}.{key}'."
    return UsageError(message, near or "`svlm config` lists all keys.")


def _checked(settings: Settings, key: str, option: Option, value: Any, context: typer.Context) -> Any:
    """As the command line would give it, after checking that it can be understood."""
    given = _given(f"{settings.path}: {key}", option, value)
    try:
        option.parameter.process_value(context, given)
    except typer.BadParameter as error:
        raise UsageError(f"{settings.path}: {key}: {ended(error.message)}") from None  # it quotes the beginning
    return given


def _given(place: str, option: Option, value: Any) -> Any:
    kind, parameter = option.kind, option.parameter
    texts = value if isinstance(value, list) else [value]
    are_texts = all(isinstance(one, str) for one in texts)
    if parameter.is_flag:
        expected, fits = "true or false", isinstance(value, bool)
    elif kind in (int, float):
        expected = "a whole number" if kind is int else "a number"
        fits = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    elif parameter.multiple or "," in option.value:
        expected, fits = "a text, or a list of texts", are_texts
    else:
        expected, fits = "a text", isinstance(value, str)
    if not fits:
        told = str(value).lower() if isinstance(value, bool) else re.sub(r"\s+", " ", shown(value))
        raise UsageError(f"{place} must be {expected}, not {told}.")
    if parameter.is_flag:
        return value
    words = [os.path.expanduser(str(one)) if kind is Path else str(one) for one in texts]  # noqa: PTH111  no shell does it
    return words if parameter.multiple else ",".join(words)
