"""Errors with causes outside svlm.

::

    SvlmError
    ├── UsageError        contradictory options, an invalid policy
    ├── InputError        a video that cannot be found, read or decoded
    ├── ModelError        a checkpoint that is missing, incomplete or invalid
    ├── OutputError       a file that must not be overwritten, or cannot be written
    └── CapacityError     a stream that has no room left (mode ``full``)

``cli/messages.py`` maps them to exit codes.
"""

import errno
from collections.abc import Callable
from functools import partial
from typing import Final, Self

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The `errno` values of an `OSError` for a full disk."""


class SvlmError(Exception):
    """``message`` is one sentence that names the problem; ``hint`` is a second one that says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(SvlmError):
    """The request is invalid."""


class InputError(SvlmError):
    """A source cannot be found, opened, read or decoded."""


class ModelError(SvlmError):
    """A model cannot be found, fetched, or used as it is."""


class OutputError(SvlmError):
    """A result cannot be written to the requested place."""


class OutputBusyError(OutputError):
    """Another run is writing the file."""


class OutputExistsError(OutputError):
    """The file exists already; it may have just appeared."""


class OutputAppearedError(OutputExistsError):
    """The file did not exist when writing began, but does now."""


class CapacityError(SvlmError):
    """A stream needs more room than its cache has. `stream` says which one."""

    def __init__(self, message: str, hint: str = "", *, stream: int) -> None:
        super().__init__(message, hint)
        self.stream = stream

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str, str]]:
        return partial(type(self), stream=self.stream), (self.message, self.hint)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error means out of memory, from Python or from torch; does not import torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
