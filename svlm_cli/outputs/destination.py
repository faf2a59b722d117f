"""Where text goes: a file that gets its name when it is complete, a file that others follow, or standard output.

Each write hands over one whole piece at once; a piece that does not fit on the disk is removed again. Text is UTF-8
unless another encoding is requested. Knows no format.
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
    """Receives text, piece by piece."""

    def write(self, text: str, ending: str = "") -> None:
        """Write a whole piece, now. Raises `OutputError`.

        `ending` follows the piece and is overwritten by the next one. So a document with a closing part is valid after
        every piece. Where nothing can be overwritten, the ending is written by `close`.
        """
        ...

    def close(self, *, complete: bool) -> None:
        """Close. `complete` is False if something is missing that should have been written."""
        ...


def open_destination(
    path: Path | None, *, overwrite: bool, live: bool = False, encoding: Encoding = UTF_8
) -> Destination:
    """Standard output for no path; in place for live sources and devices; any other file by way of ``.part``.

    Raises `OutputError`, before anything is written, if the file cannot be written or exists and may not be replaced.
    """
    if path is None:
        return StandardOutput(encoding=encoding)
    if has_part(path, live=live):
        return PartFile(path, overwrite=overwrite, encoding=encoding)
    return InPlaceFile(path, overwrite=overwrite, encoding=encoding)


def has_part(path: Path, *, live: bool = False) -> bool:
    """Whether the file is written by way of ``.part``, which only one run at a time can hold."""
    return not live and not is_special(path)


@contextlib.contextmanager
def text_file(path: Path | None, *, overwrite: bool) -> Iterator[Destination]:
    """As `open_destination`; complete unless the body of the `with` statement raises."""
    destination, complete = open_destination(path, overwrite=overwrite), False
    try:
        yield destination
        complete = True
    finally:
        destination.close(complete=complete)


def make_folder(folder: Path, hint: str) -> None:
    """Make `folder` and its parents; `OutputError` with `hint` if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made a folder.", hint) from error


def refuse_unwritable(
    path: Path, *, makes_folders: bool, hint: str = "Use -o or --output-dir to write elsewhere."
) -> None:
    """Raise `OutputError` if a file at `path` cannot be written, as far as that can be checked without writing.

    `makes_folders`: missing parent folders will be made.
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
        raise OutputError(f"The folder {_name(folder)} is not writable.", hint)


class _Descriptor:
    """An open file that is written in whole pieces. `special`: a pipe or a device, which cannot be truncated."""

    def __init__(
        self, descriptor: int, path: Path, encoding: Encoding, *, special: bool = False, kept_bytes: int = 0
    ) -> None:
        self._descriptor = descriptor
        self._path = path
        self._encoder = encoding.encoder(continued=kept_bytes > 0)
        self._special = special
        self._ending = b""
        self.written_bytes = kept_bytes  # without the ending

    def write(self, text: str, ending: str = "") -> None:
        piece = self._encoder.encode(text)
        end = self._encoder.encode(ending)
        try:
            self._put(piece if self._special else piece + end)
            if not self._special and len(piece) + len(end) < len(self._ending):
                os.ftruncate(self._descriptor, self.written_bytes + len(piece) + len(end))
        except BrokenPipeError as error:
            raise OutputClosedError(f"{_name(self._path)} was closed by its reader.") from error
        except OSError as error:
            if not self._special:
                with contextlib.suppress(OSError):
                    self._put(self._ending)
                    os.ftruncate(self._descriptor, self.written_bytes + len(self._ending))
            raise write_error(self._path, error) from error
        self.written_bytes += len(piece)
        self._ending = end

    def _put(self, data: bytes) -> None:
        """Write after the last piece, over the ending."""
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
            raise OutputClosedError(f"{_name(self._path)} was closed by its reader.") from error
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
    """A file written as ``NAME.part`` and renamed when it is complete; if incomplete, it keeps that name.

    It is locked from the start, so that no other run writes it. What a run that has died left under that name is
    overwritten by the first words; a file that another run is writing is not touched.
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
        """Write a whole piece. Raises `OutputError`."""
        try:
            self._locked.begin()
        except OSError as error:
            raise write_error(self._locked.part, error) from error
        self._file.write(text, ending)

    def close(self, *, complete: bool) -> None:
        """Give the file its name. Raises `OutputError` if the name was taken meanwhile; the words stay in ``.part``."""
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
    """A file written under its final name, so that players and ``tail -f`` can follow it; also devices and pipes."""

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
        """Write a whole piece. Raises `OutputError`."""
        self._file.write(text, ending)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  incomplete or not, it keeps its name
        """Close the file."""
        self._file.close()


class ContinuedFile:
    """A file of an interrupted run, written in place after its first `kept_bytes`. Raises `OutputError`."""

    def __init__(self, path: Path, kept_bytes: int, *, encoding: Encoding = UTF_8) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise write_error(path, error) from error
        self._file = _Descriptor(descriptor, path, encoding, kept_bytes=kept_bytes)

    def write(self, text: str, ending: str = "") -> None:
        """Write a whole piece. Raises `OutputError`."""
        self._file.write(text, ending)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  it has its name
        """Close the file."""
        self._file.close()


class StandardOutput:
    """Standard output, flushed after every piece. Raises `OutputClosedError` once its reader has closed it."""

    def __init__(self, stream: BinaryIO | None = None, *, encoding: Encoding = UTF_8) -> None:
        if stream is None:
            refuse_closed_output()
            stream = sys.stdout.buffer
        self._stream = stream
        self._encoder = encoding.encoder()
        self._ending = ""

    def write(self, text: str, ending: str = "") -> None:
        """Write a whole piece. Raises `OutputError`, or `OutputClosedError`."""
        try:
            self._stream.write(self._encoder.encode(text))
            self._stream.flush()
        except BrokenPipeError as error:
            self._silence()
            raise OutputClosedError("Standard output was closed by its reader.") from error
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

    def close(self, *, complete: bool) -> None:  # noqa: ARG002  there is nothing to rename
        """Write the ending. The process owns standard output, so it stays open."""
        ending, self._ending = self._ending, ""
        if ending:
            self.write(ending)


def refuse_closed_output() -> None:
    """Raise `OutputError` if there is no standard output to write to."""
    if sys.stdout is None or isinstance(sys.stdout, ClosedStream):
        raise OutputError("Standard output is closed.", "Use -o FILE.")


def _name(path: Path) -> str:
    return plain_text(str(path))
