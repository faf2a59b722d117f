"""Where text goes: a file that gets its name when it is complete, a file that others follow, or standard output.

Every write hands over one whole piece at once; a piece that does not fit on the disk is taken back. Text becomes UTF-8
as it is, unless another encoding is asked for. Knows no format.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from svlm_cli.core.errors import OutputAppearedError, OutputError
from svlm_cli.core.streams import ClosedStream
from svlm_cli.core.text import plain_text
from svlm_cli.media.locked import (
    LockedPart,
    exists_error,
    is_special,
    refuse_existing,
    refuse_folder,
    refuse_special,
    write_error,
)
from svlm_cli.outputs.encoding import UTF_8, Encoding


class OutputClosedError(OutputError):
    """The reader has closed the pipe, as in ``| head -1``. Not an error: exit silently with 0."""


class Destination(Protocol):
    """Takes text, piece by piece."""

    def write(self, text: str, ending: str = "") -> None:
        """Hand over a whole piece, now. Raises `OutputError`.

        `ending` follows it until the next piece overwrites it. So a document with
        a closing part is valid after every piece. Where nothing can be taken back, it is written at the close.
        """
        ...

    def close(self, *, complete: bool) -> None:
        """Close; `complete` unless something that should have been written is missing."""
        ...


def open_destination(
    path: Path | None, *, overwrite: bool, live: bool = False, encoding: Encoding = UTF_8
) -> Destination:
    """Standard output without a path; a live source's file and devices in place; any other file by way of ``.part``.

    Raises `OutputError`, before anything is written, if it cannot be written or exists and may not be overwritten.
    """
    if path is None:
        return StandardOutput(encoding=encoding)
    if has_part(path, live=live):
        return PartFile(path, overwrite=overwrite, encoding=encoding)
    return InPlaceFile(path, overwrite=overwrite, encoding=encoding)


def has_part(path: Path, *, live: bool = False) -> bool:
    """Whether it is written by way of ``.part``, which one run at a time can have."""
    return not live and not is_special(path)


@contextlib.contextmanager
def text_file(path: Path | None, *, overwrite: bool) -> Iterator[Destination]:
    """As `open_destination`; complete unless something is raised meanwhile."""
    destination, complete = open_destination(path, overwrite=overwrite), False
    try:
        yield destination
        complete = True
    finally:
        destination.close(complete=complete)


def make_folder(folder: Path, hint: str) -> None:
    """`folder`, with those above it; `OutputError` with that hint if it cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made a folder.", hint) from error


def refuse_unwritable(
    path: Path, *, makes_folders: bool, hint: str = "Use -o or --output-dir to write elsewhere."
) -> None:
    """Raise `OutputError` if a file of that name cannot be written, as far as that shows before anything is.

    `makes_folders`: those that are missing above it will be made.
    """
    if is_special(path):
        return
    refuse_folder(path)
    folder = path.parent
    while makes_folders and not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not os.path.lexists(folder):
        raise write_error(path, FileNotFoundError())
    if not folder.is_dir():
        raise OutputError(f"{_name(folder)} is not a folder.", hint)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"Nothing may be written to the folder {_name(folder)}.", hint)


class _Descriptor:
    """An open file that is written in whole pieces. `special`: a pipe or a device, which takes nothing back."""

    def __init__(self, descriptor: int, path: Path, encoding: Encoding, *, special: bool = False) -> None:
        self._descriptor = descriptor
        self._path = path
        self._encoder = encoding.encoder()
        self._special = special
        self._ending = b""
        self.written_bytes = 0  # without the ending

    def write(self, text: str, ending: str = "") -> None:
        piece = self._encoder.encode(text)
        end = self._encoder.encode(ending)
        try:
            self._put(piece if self._special else piece + end)
            if not self._special and len(piece) + len(end) < len(self._ending):
                os.ftruncate(self._descriptor, self.written_bytes + len(piece) + len(end))
        except BrokenPipeError as error:
            raise OutputClosedError(f"{_name(self._path)} is not read any more.") from error
        except OSError as error:
            if not self._special:
                with contextlib.suppress(OSError):
                    self._put(self._ending)
                    os.ftruncate(self._descriptor, self.written_bytes + len(self._ending))
            raise write_error(self._path, error) from error
        self.written_bytes += len(piece)
        self._ending = end

    def _put(self, data: bytes) -> None:
        """Write after the last piece, over its ending."""
        if not self._special:
            os.lseek(self._descriptor, self.written_bytes, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        try:
            if self._special:
                self._put(self._ending)
        except BrokenPipeError as error:
            raise OutputClosedError(f"{_name(self._path)} is not read any more.") from error
        except OSError as error:
            raise write_error(self._path, error) from error
        finally:
            self._close()

    def _close(self) -> None:
        try:
            os.close(self._descriptor)
        except OSError as error:
            raise write_error(self._path, error) from error


class PartFile:
    """A file written as ``NAME.part`` and renamed when it is complete; incomplete, it stays under that name.

    From the start on it is locked: no other run writes it. What a dead run left under that name is replaced by the
    first words; what a living one writes is not touched.
    """

    def __init__(self, path: Path, *, overwrite: bool, encoding: Encoding = UTF_8) -> None:
        self._path = path
        self._overwrite = overwrite
        refuse_special(path)
        refuse_folder(path)
        if not overwrite:
            refuse_existing(path)
        self._locked = LockedPart(path)
        self._file = _Descriptor(self._locked.descriptor, self._locked.part, encoding)
        if not overwrite and os.path.lexists(path):  # another run has just completed it
            self.close(complete=False)
            raise exists_error(path)

    def write(self, text: str, ending: str = "") -> None:
        """Hand over a whole piece. Raises `OutputError`."""
        try:
            self._locked.begin()
        except OSError as error:
            raise write_error(self._locked.part, error) from error
        self._file.write(text, ending)

    def close(self, *, complete: bool) -> None:
        """Give the file its name. Raises `OutputError` if that was taken meanwhile; the words stay in ``.part``."""
        try:
            if complete:
                self._locked.begin()
                self._locked.rename(overwrite=self._overwrite)
            elif self._file.written_bytes == 0:
                self._locked.discard()
        except FileExistsError as error:
            hint = f"What was written is in {_name(self._locked.part)}."
            raise OutputAppearedError(f"{_name(self._path)} appeared while it was written.", hint) from error
        except OSError as error:
            raise write_error(self._path, error) from error
        finally:
            self._file.close()


class InPlaceFile:
    """A file written under its own name, so that players and ``tail -f`` can follow it; also devices and pipes."""

    def __init__(self, path: Path, *, overwrite: bool, encoding: Encoding = UTF_8) -> None:
        flags = os.O_WRONLY | os.O_CLOEXEC
        special = is_special(path)
        if not special:
            refuse_folder(path)
            if not overwrite:
                refuse_existing(path)
            flags |= os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileExistsError as error:
            raise exists_error(path) from error
        except OSError as error:
            raise write_error(path, error) from error
        self._file = _Descriptor(descriptor, path, encoding, special=special)

    def write(self, text: str, ending: str = "") -> None:
        """Hand over a whole piece. Raises `OutputError`."""
        self._file.write(text, ending)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  what is there stays as it is
        """Nothing more comes."""
        self._file.close()


class StandardOutput:
    """Standard output, flushed after every piece. Raises `OutputClosedError` when nobody reads it any more."""

    def __init__(self, stream: BinaryIO | None = None, *, encoding: Encoding = UTF_8) -> None:
        if stream is None:
            refuse_closed_output()
            stream = sys.stdout.buffer
        self._stream = stream
        self._encoder = encoding.encoder()
        self._ending = ""

    def write(self, text: str, ending: str = "") -> None:
        """Hand over a whole piece. Raises `OutputError`, or `OutputClosedError`."""
        try:
            self._stream.write(self._encoder.encode(text))
            self._stream.flush()
        except BrokenPipeError as error:
            self._silence()
            raise OutputClosedError("Standard output is not read any more.") from error
        except OSError as error:
            self._silence()
            raise write_error(Path("Standard output"), error) from error
        self._ending = ending

    def _silence(self) -> None:
        """Discard the stream's buffer, which would raise again at interpreter exit."""
        self._ending = ""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor
            os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  nobody can rename it
        """Write the ending. Standard output itself belongs to the process."""
        ending, self._ending = self._ending, ""
        if ending:
            self.write(ending)


def refuse_closed_output() -> None:
    """Raise `OutputError` if there is no standard output to write to."""
    if sys.stdout is None or isinstance(sys.stdout, ClosedStream):
        raise OutputError("Standard output is closed.", "Use -o FILE.")


def _name(path: Path) -> str:
    return plain_text(str(path))
