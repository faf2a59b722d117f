"""The classes of all commands: help in panels, defaults from the configuration file.

Knows no particular command. ``app.py`` gives each command its class as it is loaded.
"""

from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from svlm_cli.commands import settings
from svlm_cli.commands.described import option_of
from svlm_cli.commands.environment import refuse_unreadable_hub
from svlm_cli.commands.help import command_help, group_help, usage_pieces
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address

_RUNNING: Final[ContextVar[typer.Context]] = ContextVar("running")  # the command that runs in this thread


class SvlmCommand(TyperCommand):
    """A command that does something. Others may be called by a word behind its name, in place of its first argument."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.following: dict[str, SvlmCommand] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base, with the configuration file's values as defaults."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        asks_for_help = bool({*ctx.help_option_names} & {*args})
        ctx.default_map = settings.defaults(ctx, tolerant=asks_for_help)
        rest = super().parse_args(ctx, args)
        self._refuse_addresses(ctx)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As the base, unless libraries would fail at the environment."""
        refuse_unreadable_hub()
        token = _RUNNING.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            _RUNNING.reset(token)

    def _refuse_addresses(self, ctx: Any) -> None:
        """`UsageError` for an address where a path is wanted: folders would be made that are called like its login."""
        for parameter in self.params:
            path = ctx.params.get(parameter.name)
            if isinstance(path, Path) and is_address(str(path)) and not Path(path.parts[0]).exists():
                name = option_of(self, parameter).names[-1]
                raise UsageError(f"{name} takes no address.", "Name a place on this machine.")

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  the base class's signature
        """What follows the name."""
        return usage_pieces(self)

    def get_help(self, ctx: Any) -> str:
        """In panels."""
        return command_help(self, ctx)


class SvlmGroup(TyperGroup):
    """A command that holds others. Its own options are flags and texts."""

    def get_help(self, ctx: Any) -> str:
        """Its commands first."""
        return group_help(self, ctx)


def given(name: str) -> bool:
    """Whether the option stands on the command line, and not in a variable or in the configuration."""
    source = _RUNNING.get().get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
