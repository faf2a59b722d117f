"""Every setting of all commands: what is in force, and a configuration file that names them all.

`root` is ``svlm`` with all of its commands imported.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from svlm_cli.cli import settings
from svlm_cli.cli.described import Option, contexts, leaves, words_of, written
from svlm_cli.core.logins import without_logins

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


def settings_in_force(root: Any, found: settings.Settings) -> list[Setting]:
    """All settings: first those of every command; then each command's own, and those that its table sets anew."""
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


def example(root: Any) -> str:
    """A configuration file that names everything and sets nothing."""
    lines, told = [_HEAD], set()
    tables: dict[str, list[str]] = {}
    for words, command in leaves(root):
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
