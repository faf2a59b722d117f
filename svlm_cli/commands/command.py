"""The classes of all commands: help in panels, defaults from the configuration file, and completion that stays quick.

Knows no particular command. ``app.py`` gives each command its class as it is loaded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typer._click.core import ParameterSource
from typer._click.exceptions import BadOptionUsage
from typer._click.globals import get_current_context
from typer.core import TyperCommand, TyperGroup

from svlm_cli.commands import settings
from svlm_cli.commands.described import option_of
from svlm_cli.commands.environment import refuse_unreadable_hub
from svlm_cli.commands.help import command_help, group_help, usage_pieces
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address


@contextmanager
def _told_where(context: Any) -> Iterator[None]:
    """An option without its value is told without the command that it was given to."""
    try:
        yield
    except BadOptionUsage as error:
        error.ctx = error.ctx or context
        raise


class SvlmCommand(TyperCommand):
    """A command that does something. Others may be called by a word behind its name, in place of its first argument."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.following: dict[str, SvlmCommand] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base, with the configuration file's values as defaults."""
        if ctx.resilient_parsing:
            return self._parse_lightly(ctx, args)
        asks_for_help = bool({*ctx.help_option_names} & {*args})
        ctx.default_map = settings.defaults(ctx, tolerant=asks_for_help)
        with _told_where(ctx):
            rest = super().parse_args(ctx, args)
        self._refuse_addresses(ctx)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As the base, unless libraries would fail at the environment."""
        refuse_unreadable_hub()
        return super().invoke(ctx)

    def _refuse_addresses(self, ctx: Any) -> None:
        """`UsageError` for an address where a path is wanted: folders would be made that are called like its login."""
        for parameter in self.params:
            path = ctx.params.get(parameter.name)
            if isinstance(path, Path) and is_address(str(path)) and not Path(path.parts[0]).exists():
                name = option_of(parameter).names[-1]
                raise UsageError(f"{name} takes no address.", "Name a place on this machine.")

    def _parse_lightly(self, ctx: Any, args: list[str]) -> list[str]:
        """For completion: only what was given counts. To understand values takes pydantic, and 0.3 s."""
        parser = self.make_parser(ctx)
        values, rest, _ = parser.parse_args(args=args)
        for parameter in self.get_params(ctx):
            value = values.get(parameter.name)
            ctx.params[parameter.name] = value
            given = value is not None
            ctx.set_parameter_source(parameter.name, ParameterSource.COMMANDLINE if given else ParameterSource.DEFAULT)
        ctx.args = rest
        ctx._opt_prefixes.update(parser._opt_prefixes)  # noqa: SLF001  the base class does this in the same place
        return rest

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  the base class's signature
        """What follows the name."""
        return usage_pieces(self)

    def get_help(self, ctx: Any) -> str:
        """In panels."""
        return command_help(self, ctx)


class _AsItIs:
    """Takes values as they come: to understand them takes pydantic, and 0.3 s of each call."""

    def coerce(self, value: Any, **_: Any) -> Any:
        return value


class SvlmGroup(TyperGroup):
    """A command that holds others. Its own options are flags and texts."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base."""
        with _told_where(ctx):
            return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, which pydantic need not see."""
        parameters = super().get_params(ctx)
        for one in parameters:
            one._runtime_param = _AsItIs()  # type: ignore[attr-defined]  # noqa: SLF001
        return parameters

    def get_help(self, ctx: Any) -> str:
        """Its commands first."""
        return group_help(self, ctx)


def given(name: str) -> bool:
    """Whether the option stands on the command line, and not in a variable or in the configuration."""
    return get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
