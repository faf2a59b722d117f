"""A file that grows by whole lines, written by one run at a time. Does not know what the lines mean."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import OutputBusyError, OutputError
from svlm_cli.core.text import plain_text
from svlm_cli.media.locked import refuse_folder, refuse_special, write_error

_BLOCK: Final = 1 << 16


class LockedLines(Closing):
    """Opened for appending, and created if necessary. Raises `OutputError`, also if another run has locked it.

    A killed writer may have left a last line without its end. The first `append` ends it if it `is_whole`, and
    otherwise drops it.
    """

    def __init__(self, path: Path, is_whole: Callable[[bytes], bool]) -> None:
        self._path = path
        self._is_whole = is_whole
        self._mended = False
        self._descriptor = open_locked(path)

    def append(self, line: bytes) -> None:
        """Add a line, including its end. Raises `OutputError`; then the file is unchanged."""
        if not self._mended:
            self._mended = True
            self._end_last_line()
        self._put(line)

    def _end_last_line(self) -> None:
        size = os.fstat(self._descriptor).st_size
        rest = self._rest(size)
        if rest and self._is_whole(rest):
            self._put(b"\n")
        elif rest:
            os.ftruncate(self._descriptor, size - len(rest))

    def _rest(self, end: int) -> bytes:
        """The text after the last line's end."""
        rest = b""
        while end > 0 and b"\n" not in rest:
            begin = max(0, end - _BLOCK)
            rest = os.pread(self._descriptor, end - begin, begin) + rest
            end = begin
        return rest.rpartition(b"\n")[2]

    def _put(self, data: bytes) -> None:
        size = os.fstat(self._descriptor).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise write_error(self._path, error) from error

    def close(self) -> None:
        """Close and unlock the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError as error:
                raise OutputError(f"{plain_text(str(self._path))} cannot be written: {error.strerror}.") from error


def empty(path: Path) -> None:
    """Truncate a file of lines, unless another run is writing it. Raises `OutputError`."""
    descriptor = open_locked(path)
    try:
        os.ftruncate(descriptor, 0)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        os.close(descriptor)


def open_locked(path: Path) -> int:
    """Open a file for appending, and lock it. Raises `OutputError`."""
    refuse_special(path)
    refuse_folder(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        name = plain_text(str(path))
        raise OutputBusyError(
            f"Another run is writing {name}.", "Wait for it to end, or choose another name."
        ) from error
    except OSError:
        pass  # a file system without locks
    return descriptor
