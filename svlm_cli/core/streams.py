"""Reliable standard streams: all three are open, and a write to stderr never blocks for long.

If one is closed, as service managers may do, the next opened file would get its descriptor, and receive whatever is
printed. Imported before everything else, so it imports nothing slow.
"""

import io
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDIN, _STDOUT, _STDERR = range(3)
_PATIENCE_S = 1.0


class ClosedStream(io.TextIOWrapper):
    """Replaces a closed standard stream: reads are empty, writes are discarded."""


class WholeLines(threading.local):
    """Buffers each thread's writes until a line is complete."""

    def __init__(self) -> None:
        self._begun = ""

    def add(self, text: str) -> str:
        """Add text; return the lines that are now complete."""
        whole, end, self._begun = (self._begun + text).rpartition("\n")
        return whole + end

    def rest(self) -> str:
        """The incomplete line so far, for a flush."""
        rest, self._begun = self._begun, ""
        return rest


class _Heedless(io.FileIO):
    """A file that discards what it cannot write, as whole pieces.

    A stalled reader blocks a write for at most a second; until it reads again, writes do not wait at all.
    """

    _rest = b""  # of a piece that is partly written
    _patience_s = _PATIENCE_S

    def write(self, data: "ReadableBuffer", /) -> int:
        size = memoryview(data).nbytes
        if self._finish():
            self._rest = bytes(data)
            if not self._finish() and len(self._rest) == size:
                self._rest = b""
        return size

    def _finish(self) -> bool:
        """Write the rest of a piece; return whether all of it was written."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        while self._rest:
            if not poll.poll(self._patience_s * 1000):
                self._patience_s = 0.0
                return False
            piece, self._rest = self._rest[: select.PIPE_BUF], self._rest[select.PIPE_BUF :]
            try:  # an exception from a signal handler after the write must not repeat it
                written = super().write(piece) or 0  # this little never blocks
                self._rest = piece[written:] + self._rest
            except OSError:  # the disk is full, or the reader has gone
                self._rest = b""
            self._patience_s = _PATIENCE_S
        return True


class _Lines(io.TextIOWrapper):
    """A text stream shared by threads, whose lines never interleave.

    Has no buffer below, which would repeat a write interrupted by an exception from a signal handler.
    """

    def __init__(self, file: _Heedless, *, encoding: str, errors: str | None) -> None:
        super().__init__(file, encoding=encoding, errors=errors)
        self._lines = WholeLines()
        self._turn = threading.RLock()

    def write(self, text: str, /) -> int:
        self._put(self._lines.add(text))
        return len(text)

    def flush(self) -> None:
        self._put(self._lines.rest())

    def _put(self, text: str) -> None:
        if text:
            with self._turn:
                super().write(text)
                super().flush()


def open_standard_streams() -> None:
    """Open closed streams on the null device, and let stderr drop what it cannot write."""
    closed = [descriptor for descriptor in (_STDIN, _STDOUT, _STDERR) if _is_closed(descriptor)]
    for descriptor in closed:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        os.set_inheritable(descriptor, True)
    if _STDIN in closed:
        sys.stdin = ClosedStream(open(_STDIN, "rb", closefd=False), encoding="utf-8")  # noqa: SIM115
    if _STDOUT in closed:
        sys.stdout = ClosedStream(open(_STDOUT, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
    told = _Heedless(_STDERR, "w", closefd=False)
    if _STDERR in closed:
        sys.stderr = ClosedStream(told, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    else:
        old = sys.stderr
        sys.stderr = _Lines(told, encoding=old.encoding, errors=old.errors)


def _is_closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False
