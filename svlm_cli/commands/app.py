"""``svlm``: its commands, imported when they are called, and the one place where exceptions end.

A command is a module of this package whose ``app`` is a `typer.Typer`; it imports torch and the like inside its
functions. A table ``FOLLOWING`` in it holds commands that are called by a word behind its name (``svlm train plot``).
`main` turns errors into a sentence and an exit code (``messages.py``). Knows nothing of what the commands do.
"""

import os
import select
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from svlm_cli.cli.command import SvlmCommand, SvlmGroup, show_help_and_exit
from svlm_cli.cli.messages import ExitCode, bug_sentence, exit_code, machine_sentence
from svlm_cli.commands.command_table import COMMANDS
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.logins import without_logins
from svlm_cli.core.sentences import error_sentence, sentence
from svlm_cli.core.signals import Terminated, signals_raise
from svlm_cli.core.text import presentable
from svlm_cli.core.version import __version__

_COMPLETING: Final = "_SVLM_COMPLETE"  # set by the shell's side of completion


@dataclass(slots=True)
class Invocation:
    """The options of svlm itself, which `main` needs where a command fails."""

    debug: bool = False


class LazyGroup(SvlmGroup):
    """Lists its commands from a table, and imports only the one that is called."""

    def whole(self) -> Any:
        """The same with all commands imported."""
        return whole()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base, with the command itself in place of its entry in the table."""
        if args[0] not in self.commands and not ctx.resilient_parsing and not args[0].startswith("-"):
            from svlm_cli.cli.mistakes import other_command

            if hint := other_command(args[0]):
                ctx.fail(f"No such command {args[0]!r}. {hint}")
        name, entry, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, entry, rest
        command = _load(name)
        if rest and rest[0] in getattr(command, "following", {}):
            return f"{name} {rest[0]}", command.following[rest[0]], rest[1:]
        return name, command, rest


def _load(name: str) -> Any:
    module = import_module(COMMANDS[name][0])
    command = _made(module.app, name)
    for own, app in getattr(module, "FOLLOWING", {}).items():
        command.following[own] = _made(app, own)
    return command


def _made(app: typer.Typer, name: str) -> Any:
    _make_ours(app)
    command = get_command(app)
    command.name = name
    return command


def _make_ours(app: typer.Typer) -> None:
    """Gives the commands and groups of an app our classes."""
    app.info.cls = SvlmGroup
    for one in app.registered_commands:
        one.cls = SvlmCommand
    for group in app.registered_groups:
        group.cls = SvlmGroup
        if group.typer_instance is not None:
            _make_ours(group.typer_instance)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"svlm {__version__}")
        raise typer.Exit


def _note_debug(context: typer.Context, debug: bool) -> None:
    context.obj.debug = debug


def _svlm(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    _debug: Annotated[
        bool,
        typer.Option(
            "--debug", envvar="SVLM_DEBUG", callback=_note_debug, is_eager=True, help="Print the traceback of an error."
        ),
    ] = False,
) -> None:
    """Watch video of any length and speak: captions as subtitles."""
    if context.invoked_subcommand is None:
        show_help_and_exit(context)


def _listed() -> None:
    """An entry in the table, for a command that is not imported yet."""


def _root() -> Any:
    app = typer.Typer(
        cls=LazyGroup,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_svlm)
    for name, (_, summary) in COMMANDS.items():
        app.command(name, help=summary)(_listed)
    return get_command(app)


def whole() -> Any:
    """``svlm`` with all of its commands imported, to look at them without calling one."""
    root = _root()
    root.commands = {name: _load(name) for name in COMMANDS}
    return root


def _say(text: str) -> None:
    with suppress(OSError):  # nobody is left to read it
        print(without_logins(text), file=sys.stderr, flush=True)  # noqa: T201 - stderr is ours


def _stdout_reader_is_gone() -> bool:
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # stdout is not a file
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are reported unasked
    gone = bool(poll.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)  # or the interpreter complains at its end
    return gone


def _run(arguments: Sequence[str], invocation: Invocation) -> int:
    root = _root()
    if os.environ.get(_COMPLETING) == "complete_bash" and not os.environ.get("COMP_CWORD", "").isdigit():
        raise UsageError(f"{_COMPLETING} is set, but there is nothing to complete.", "Unset it.")
    if os.environ.get(_COMPLETING):
        root.main(list(arguments), prog_name="svlm", obj=invocation)  # answers the shell, and exits
    code: int = ExitCode.DONE
    try:
        with root.make_context("svlm", list(arguments), obj=invocation) as context:
            root.invoke(context)
    except typer.Exit as request:
        code = request.exit_code
    sys.stdout.flush()  # here, and not at the interpreter's end, a reader that is gone is an error like any other
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs ``svlm`` and returns its exit code (``messages.py`` lists them). No exception leaves it."""
    # Threads of torch that wait would spin: with another program on the machine, that takes them ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    invocation = Invocation()
    with signals_raise():
        try:
            return _run(sys.argv[1:] if arguments is None else arguments, invocation)
        except SystemExit as done:  # Typer's way out of completion
            return int(done.code or 0)
        except BaseException as error:  # noqa: BLE001 - the one boundary
            if invocation.debug:
                _say(_traceback(error))
            code, text = _outcome(error)
            if text:
                _say(text)
            return code


def _traceback(error: BaseException) -> str:
    """For --debug. What the parser's own errors come from is left out: it quotes the beginning of what was typed."""
    lines = "".join(traceback.format_exception(error, chain=not isinstance(error, typer.TyperException))).splitlines()
    return "\n".join(map(presentable, lines))


def _outcome(error: BaseException) -> tuple[int, str]:
    if isinstance(error, SvlmError):
        return exit_code(error), error_sentence(error)
    if isinstance(error, typer.TyperException):
        from svlm_cli.cli.mistakes import usage_sentence

        return ExitCode.USAGE, usage_sentence(error)
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED, ""
    if isinstance(error, Terminated):
        return error.code, ""
    if isinstance(error, typer.Abort):  # a question that was answered with no
        return ExitCode.FAILED, sentence("Stopped.")
    if (found := machine_sentence(error)) is not None:
        return ExitCode.FAILED, found
    if isinstance(error, BrokenPipeError) and _stdout_reader_is_gone():
        return ExitCode.FAILED, ""
    return ExitCode.BUG, bug_sentence(error)
