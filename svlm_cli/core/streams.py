"""Standard streams that can be relied on: all three are there, and what people are told never stops the work.

Where one is closed, as a service manager may do, its number would go to the next file that is opened, which then gets
what others print. Comes before all else, so it imports nothing that takes time.
"""

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDIN, _STDOUT, _STDERR = range(3)


class ClosedStream(io.TextIOWrapper):
    """Stands in for a standard stream that is closed: there is nothing to read, and what is written goes nowhere."""


class _Heedless(io.FileIO):
    """A file that loses what cannot be written."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data) or memoryview(data).nbytes
        except OSError:  # a full disk, a reader that is gone
            return memoryview(data).nbytes


def open_standard_streams() -> None:
    """Open those that are closed, on the null device, and let standard error lose what it cannot take."""
    closed = [descriptor for descriptor in (_STDIN, _STDOUT, _STDERR) if _is_closed(descriptor)]
    for descriptor in closed:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
        os.set_inheritable(descriptor, True)
    if _STDIN in closed:
        sys.stdin = ClosedStream(open(_STDIN, "rb", closefd=False), encoding="utf-8")  # noqa: SIM115
    if _STDOUT in closed:
        sys.stdout = ClosedStream(open(_STDOUT, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
    told = io.BufferedWriter(_Heedless(_STDERR, "w", closefd=False))
    if _STDERR in closed:
        sys.stderr = ClosedStream(told, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    else:
        old = sys.stderr
        sys.stderr = io.TextIOWrapper(told, encoding=old.encoding, errors=old.errors, line_buffering=True)


def _is_closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False
