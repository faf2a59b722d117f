"""What people and scripts see of a command besides its data: sentences on stderr, and an exit code.

Knows nothing of what the commands do.
"""

import json
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

import typer

from svlm_cli.core.errors import (
    NO_ROOM,
    CapacityError,
    InputError,
    ModelError,
    OutputAppearedError,
    OutputError,
    OutputExistsError,
    SvlmError,
    UsageError,
    is_out_of_memory,
)
from svlm_cli.core.sentences import sentence


class ExitCode(IntEnum):
    """All that ``svlm`` ever exits with."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INPUT = 3
    MODEL = 4
    BUG = 70  # EX_SOFTWARE of sysexits.h
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_CODES: Final[dict[ExitCode, str]] = {  # what the help, the manual and docs/configuration.md say of them
    ExitCode.DONE: "success",
    ExitCode.FAILED: "something failed: one of several videos, an output, a stream without room, a check",
    ExitCode.USAGE: "the request is invalid, or a file that it would write exists already",
    ExitCode.INPUT: "a video or a file of data cannot be found, read or decoded, or ends too early",
    ExitCode.MODEL: "a model is unavailable or broken",
    ExitCode.BUG: "a bug in svlm",
    ExitCode.HUNG_UP: "its terminal was closed (SIGHUP); what is on disk is valid",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); what is on disk is valid",
    ExitCode.TERMINATED: "terminated (SIGTERM); what is on disk is valid",
}

_EXIT_CODES: Final[dict[type[SvlmError], ExitCode]] = {
    UsageError: ExitCode.USAGE,
    InputError: ExitCode.INPUT,
    ModelError: ExitCode.MODEL,
    OutputError: ExitCode.FAILED,
    OutputExistsError: ExitCode.USAGE,
    OutputAppearedError: ExitCode.FAILED,
    CapacityError: ExitCode.FAILED,
}


def exit_code(error: SvlmError) -> ExitCode:
    """The code of the closest class in the table; of an error that is in none, 1."""
    return next((_EXIT_CODES[kind] for kind in type(error).__mro__ if kind in _EXIT_CODES), ExitCode.FAILED)


def ended(message: str) -> str:
    """With a full stop, if it has no end of its own."""
    return message if message.endswith((".", "?", "!")) else f"{message}."


def warn(message: str, hint: str = "") -> None:
    """A sentence that people have to know, and that ends nothing."""
    typer.echo(sentence(message, hint), err=True)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on one line of standard output, for programs."""
    typer.echo(json.dumps(document, separators=(",", ":"), allow_nan=False))


def conclude(errors: Sequence[SvlmError], *, alone: bool) -> None:
    """Ends a command of which `errors` are left: by the error of one who was `alone`, or as a failure of some."""
    if errors and alone:
        raise errors[0]
    if errors:
        raise typer.Exit(ExitCode.FAILED)


def machine_sentence(error: BaseException) -> str | None:
    """The sentence of an error that is neither ours nor the request's: what is full is the machine. Else None."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        name = f"{error.filename} cannot be written: the" if error.filename else "The"
        return sentence(f"{name} disk is full.", "Make room, or write elsewhere.")
    if is_out_of_memory(error):
        return sentence(
            "The memory is full.",
            "A smaller model, fewer --jobs, a lower --fps or --dtype fp8 need less; `svlm doctor` says what there is.",
        )
    return None


def bug_sentence(error: BaseException) -> str:
    """The sentence of an error that nobody foresaw."""
    return sentence(
        f"This is a bug in svlm: {type(error).__name__}: {error}.",
        "Run `svlm --debug ...` to see where, and please report it.",
    )
