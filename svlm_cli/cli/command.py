"""The classes of all commands: Typer's, with examples under the help and defaults from the configuration file.

Knows no particular command. ``app.py`` gives each command its class as it is loaded.
"""

import gc
import sys
from contextlib import redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from svlm_cli.cli.messages import ExitCode
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address

_RUNNING: Final[ContextVar[typer.Context]] = ContextVar("running")  # the command that runs in this thread


def show_help_and_exit(context: Any) -> NoReturn:
    """For a group that was called without a command: its help on stderr, since it is not data, and exit code 2."""
    with redirect_stdout(sys.stderr):
        context.get_help()
    raise typer.Exit(ExitCode.USAGE)


class SvlmCommand(TyperCommand):
    """A command. Others may be called by a word behind its name, in place of its first argument."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.help = _unwrapped(self.help)
        self.following: dict[str, SvlmCommand] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base, with the configuration file's values as defaults."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        from svlm_cli.cli import settings

        asks_for_help = bool({*ctx.help_option_names} & {*args})
        ctx.default_map = settings.defaults(ctx, tolerant=asks_for_help)
        for parameter in self.params:
            if parameter.name in ctx.default_map:
                setattr(parameter, "show_default", True)  # noqa: B010  in place of what an unset option means
        rest = super().parse_args(ctx, args)
        self._refuse_addresses(ctx)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As the base, unless libraries would fail at the environment. From here on garbage is collected."""
        gc.enable()
        from svlm_cli.cli.environment import refuse_unreadable_hub

        refuse_unreadable_hub()
        token = _RUNNING.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            _RUNNING.reset(token)

    def _refuse_addresses(self, ctx: Any) -> None:
        """`UsageError` for an address in place of a path: it would create folders named after its login."""
        for parameter in self.params:
            path = ctx.params.get(parameter.name)
            if isinstance(path, Path) and is_address(str(path)) and not Path(path.parts[0]).exists():
                name = parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]
                raise UsageError(f"{name} cannot be an address.", "Name a file or folder on this machine.")

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Typer's, with an epilog."""
        _prepare_help(ctx)
        super().format_help(ctx, formatter)


class SvlmGroup(TyperGroup):
    """A command that holds others."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base, but a call without a command shows the help on stderr."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            show_help_and_exit(ctx)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Typer's, with an epilog."""
        _prepare_help(ctx)
        super().format_help(ctx, formatter)


def _prepare_help(context: Any) -> None:
    """Sets the epilog, and hides the type of flags, which take no value."""
    from rich.markup import escape

    from svlm_cli.cli.examples import epilog

    context.command.epilog = escape(epilog(context))
    for parameter in context.command.get_params(context):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""


def _unwrapped(text: str | None) -> str | None:
    """Paragraphs as one line each: Rich keeps line breaks, and wraps by the width of the terminal itself."""
    return text and "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def given(name: str) -> bool:
    """Whether an option, by its name or its parameter's, was typed, and not set by a variable or the configuration."""
    context = _RUNNING.get()
    named = next((one.name for one in context.command.params if name in one.opts), name)
    source = context.get_parameter_source(named)
    return source is not None and source.name == "COMMANDLINE"
