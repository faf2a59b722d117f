"""Everything that can go wrong for a reason that is not ours.

::

    SvlmError
    ├── UsageError        options that contradict each other, a policy that cannot be
    ├── InputError        a video that cannot be found, read or decoded
    ├── ModelError        a checkpoint that is not there, incomplete, or not what it says
    ├── OutputError       a file that must not be overwritten, or cannot be written
    └── CapacityError     a stream that has no room left (mode ``full``)

Which exit code each one has is ``commands/messages.py``'s affair.
"""

import errno
from typing import Final

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The numbers of an `OSError` that says that there is no room left on the disk."""


class SvlmError(Exception):
    """``message`` names the thing in one sentence; ``hint`` says the way out in another."""

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
    """There is a file of that name already, perhaps since a moment ago."""


class OutputAppearedError(OutputExistsError):
    """There is one now, which was not there when its words were begun."""


class CapacityError(SvlmError):
    """A stream needs more room than its cache was given. `stream` says which one."""

    def __init__(self, message: str, hint: str = "", *, stream: int) -> None:
        super().__init__(message, hint)
        self.stream = stream


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there is no memory left: Python's own error, or torch's, which is not imported for that."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
