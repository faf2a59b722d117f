"""Errors with causes outside svlm.

::

    SvlmError
    ├── UsageError        options that contradict each other, a policy that cannot be
    ├── InputError        a video that cannot be found, read or decoded
    ├── ModelError        a checkpoint that is not there, incomplete, or not what it says
    ├── OutputError       a file that must not be overwritten, or cannot be written
    └── CapacityError     a stream that has no room left (mode ``full``)

``commands/messages.py`` maps them to exit codes.
"""

import errno
from collections.abc import Callable
from functools import partial
from typing import Final, Self

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The `errno` values of an `OSError` for a full disk."""


class SvlmError(Exception):
    """``message`` is one sentence that names the problem; ``hint`` is another that says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(SvlmError):
    """The request itself makes no sense."""


class InputError(SvlmError):
    """A source cannot be found, opened, read or decoded."""


class ModelError(SvlmError):
    """A model cannot be found, fetched, or used as it is."""


class OutputError(SvlmError):
    """A result cannot be written where it was asked for."""


class OutputBusyError(OutputError):
    """Another run is writing the file right now."""


class OutputExistsError(OutputError):
    """A file of that name exists already; it may have just appeared."""


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
    """Whether the error means out of memory: Python's or torch's, checked without importing torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
