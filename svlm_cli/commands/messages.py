"""Errors as people and scripts see them: one sentence on stderr, and an exit code.

======  ================================================================
0       all is done
1       some of it could not be done: an output, a room that is full
2       the request makes no sense
3       a video cannot be found, read or decoded
4       a model is unavailable or broken
70      a bug in svlm
130     interrupted (SIGINT); what is on disk is valid
143     terminated (SIGTERM); what is on disk is valid
======  ================================================================

Knows nothing of what the commands do.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import typer

from svlm_cli.core.errors import CapacityError, InputError, ModelError, OutputError, SvlmError, UsageError
from svlm_cli.core.text import plain_text


class ExitCode(IntEnum):
    """All that ``svlm`` ever exits with."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INPUT = 3
    MODEL = 4
    BUG = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130
    TERMINATED = 143


_EXIT_CODES: Final[dict[type[SvlmError], ExitCode]] = {
    UsageError: ExitCode.USAGE,
    InputError: ExitCode.INPUT,
    ModelError: ExitCode.MODEL,
    OutputError: ExitCode.FAILED,
    CapacityError: ExitCode.FAILED,
}


def exit_code(error: SvlmError) -> ExitCode:
    """The code of the closest class in the table; of an error that is in none, 1."""
    return next((_EXIT_CODES[kind] for kind in type(error).__mro__ if kind in _EXIT_CODES), ExitCode.FAILED)


def sentence(message: str, hint: str = "") -> str:
    """``svlm: MESSAGE HINT`` on one line, whatever the two hold: the names of files are not to be trusted."""
    return " ".join(plain_text(f"svlm: {message} {hint}").split())


def error_sentence(error: SvlmError) -> str:
    """The sentence of one of our own errors."""
    return sentence(error.message, error.hint)


def conclude(errors: Sequence[SvlmError], *, alone: bool) -> None:
    """Ends a command of which `errors` are left: by the error of one who was `alone`, or as a failure of some."""
    if errors and alone:
        raise errors[0]
    if errors:
        raise typer.Exit(ExitCode.FAILED)


def bug_sentence(error: BaseException) -> str:
    """The sentence of an error that nobody foresaw."""
    return sentence(
        f"This is a bug in svlm: {type(error).__name__}: {error}.",
        "Run `svlm --debug ...` to see where, and please report it.",
    )
