"""``svlm config``: every setting that a file or the environment can make, its value, and where that comes from.

The rules are in ``cli/settings.py``. Imports the modules of all commands, and neither torch nor transformers.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from svlm_cli.cli import settings
from svlm_cli.cli.described import written
from svlm_cli.cli.every_setting import example, settings_in_force
from svlm_cli.cli.panels import Panel
from svlm_cli.commands.app import whole
from svlm_cli.commands.options import Json
from svlm_cli.core.errors import OutputError, OutputExistsError
from svlm_cli.core.logins import without_logins
from svlm_cli.core.text import presentable
from svlm_cli.outputs.destination import make_folder
from svlm_cli.outputs.tables import print_columns

app = typer.Typer(add_completion=False)


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
    in_force = settings_in_force(whole(), found)
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


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    listed = isinstance(value, list | tuple)
    return [without_logins(written(one)) for one in value] if listed else without_logins(written(value))


def _write_example(path: Path) -> Path:
    text = example(whole())
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
