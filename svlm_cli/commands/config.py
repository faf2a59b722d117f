"""``svlm config``: every setting that a file or the environment can make, its value, and where that comes from.

The rules are in ``settings.py``. Imports the modules of all commands, and neither torch nor transformers.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any

import typer

from svlm_cli.commands import settings
from svlm_cli.commands.described import Option, contexts, leaves, words_of, written
from svlm_cli.commands.options import Json
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import OutputError, OutputExistsError
from svlm_cli.core.logins import without_logins
from svlm_cli.core.text import presentable
from svlm_cli.outputs.destination import make_folder
from svlm_cli.outputs.tables import print_columns

app = typer.Typer(add_completion=False)

_HEAD = """\
# Settings of svlm. What is set here holds unless an environment variable or the command line says otherwise.
# Lines that begin with # are off; they show each setting and its default. `svlm config` shows what is in force.

# For every command:
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, as it is in force."""

    key: str
    value: Any  # None: what the command decides by itself
    otherwise: str  # what that is, as the help says it
    source: str  # default, config or environment
    place: str  # the file, or the variable

    @property
    def shown(self) -> str:
        """For people."""
        return self.otherwise if self.value in (None, "") else without_logins(written(self.value))


@app.command("config")
def config(
    path: Annotated[
        bool, Panel.OUTPUT.option("--path", help="Print the path of the file, whether or not it exists.")
    ] = False,
    init: Annotated[
        bool,
        Panel.OUTPUT.option("--init", help="Write a file that names every setting, each commented out."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show every setting, its value, and where the value comes from.

    The command line overrides the environment, the environment the configuration file, the file the built-in defaults.
    The file is $SVLM_CONFIG, else $XDG_CONFIG_HOME/svlm/config.toml, else ~/.config/svlm/config.toml.
    """
    if path:
        typer.echo(presentable(str(settings.config_path())))
        return
    if init:
        typer.echo(presentable(str(_write_example(settings.config_path()))))
        return
    found = settings.read()
    in_force = in_force_of(found)
    if as_json:
        document = [
            {"key": one.key, "value": _plain(one.value), "source": one.source, "from": presentable(one.place)}
            for one in in_force
        ]
        typer.echo(
            json.dumps({"path": presentable(str(found.path)), "exists": found.exists, "settings": document}, indent=2)
        )
        return
    there = "" if found.exists else " (not there: `svlm config --init` writes one)"
    typer.echo(presentable(f"Configuration file: {found.path}{there}"))
    typer.echo()
    rows = [(one.key, one.shown, one.source if one.source == "default" else one.place) for one in in_force]
    print_columns(("SETTING", "VALUE", "FROM"), rows, folded={"VALUE", "FROM"})


def in_force_of(found: settings.Settings) -> list[Setting]:
    """All settings: first those of every command; then each command's own, and those that its table sets anew."""
    from svlm_cli.commands.app import whole

    root = whole()
    settings.check_top(found, list(root.commands))
    listed: dict[str, Setting] = {}
    for context in contexts(root):
        words, command = words_of(context), context.command
        chosen = settings.of_command(found, context)
        with command.make_context(
            context.info_name, [], context.parent, default_map=chosen, resilient_parsing=True
        ) as call:
            for option in settings.settable(command):
                everywhere = settings.is_shared(option) and option.key not in found.table(words)
                name = option.key if everywhere else f"{'.'.join(words)}.{option.key}"
                listed.setdefault(name, _setting(found, name, option, call))
    return sorted(listed.values(), key=lambda one: "." in one.key)


def _setting(found: settings.Settings, key: str, option: Option, call: Any) -> Setting:
    parameter = option.parameter
    match call.get_parameter_source(parameter.name).name:
        case "ENVIRONMENT":
            return Setting(key, os.environ[parameter.envvar], option.unset, "environment", parameter.envvar)
        case "DEFAULT_MAP":
            return Setting(key, call.default_map[parameter.name], option.unset, "config", str(found.path))
    return Setting(key, parameter.default, option.unset, "default", "")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    listed = isinstance(value, list | tuple)
    return [without_logins(written(one)) for one in value] if listed else without_logins(written(value))


def _write_example(path: Path) -> Path:
    text = example()
    make_folder(path.parent, f"Set {settings.VARIABLE} to another place.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise OutputExistsError(f"{path} exists already.", "Edit it, or move it away first.") from error
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", f"Set {settings.VARIABLE} to another place."
        ) from error
    return path


def example() -> str:
    """A configuration file that names everything and sets nothing."""
    lines, told = [_HEAD], set()
    tables: dict[str, list[str]] = {}
    from svlm_cli.commands.app import whole

    for words, command in leaves(whole()):
        for option in settings.settable(command):
            if not settings.is_shared(option):
                tables.setdefault(".".join(words), []).extend(_example_lines(option))
            elif option.key not in told:
                told.add(option.key)
                lines += _example_lines(option)
    for table, listed in tables.items():
        lines += [f"\n# [{table}]", *listed]
    return "\n".join(lines) + "\n"


def _example_lines(option: Option) -> Iterator[str]:
    said = f"{option.parameter.help} [default: {option.unset}]" if option.unset else option.parameter.help
    yield from wrap(said, 110, initial_indent="#   ", subsequent_indent="#   ")
    value = option.parameter.default
    if value is None or value == "":
        yield f"# {option.key} = <{option.value or 'true or false'}>"
    elif isinstance(value, bool | int | float):
        yield f"# {option.key} = {str(value).lower()}"
    else:
        yield f'# {option.key} = "{written(value)}"'
