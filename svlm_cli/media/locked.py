"""A file being written: ``NAME.part``, locked by one run until it gets its final name.

The same for text files and videos. Knows neither their contents nor who writes them.
"""

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path

from svlm_cli.core.errors import NO_ROOM, OutputBusyError, OutputError, OutputExistsError
from svlm_cli.core.text import plain_text

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # opening a pipe must not block


class LockedPart:
    """The ``.part`` file of `path`, locked for as long as `descriptor` is open. Raises `OutputError`.

    What a run that has died left under that name is kept until `begin`. A file that a running process writes is not
    touched, nor is anything that no run leaves behind: a link, a folder, a pipe, a device, a file that is not writable
    or has another hard link.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self.part = part_of(path)
        while (descriptor := self._open()) is None:
            pass
        self.descriptor = descriptor

    def _open(self) -> int | None:
        """Open and lock it; None if the opened file has lost that name in the meantime."""
        try:
            descriptor = os.open(self.part, _FLAGS | os.O_CREAT, 0o666)
        except OSError as error:
            raise write_error(self.part, error) from error
        try:
            if self._take(descriptor):
                return descriptor
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise write_error(self.part, error) from error
            raise
        os.close(descriptor)
        return None

    def _take(self, descriptor: int) -> bool:
        """Lock the opened file; False if it has lost that name in the meantime."""
        _refuse_others(descriptor, self._path)
        if not _is_same(os.fstat(descriptor), self.part):
            return False
        if os.fstat(descriptor).st_nlink > 1:  # a run died between link and unlink: `path` is the finished file
            self.part.unlink()
            return False
        return True

    def begin(self) -> None:
        """Discard what a run that has died left, once. Raises `OSError`."""
        if not self._begun:
            os.ftruncate(self.descriptor, 0)
            self._begun = True

    @property
    def kept(self) -> bool:
        """Whether the name still refers to our file."""
        return _is_same(os.fstat(self.descriptor), self.part)

    def rename(self, *, overwrite: bool) -> None:
        """Give it its final name. Raises `FileExistsError` if that was taken meanwhile and may not be replaced."""
        if not self.kept:
            name = plain_text(str(self.part))
            raise OutputError(f"{name} was moved or removed while svlm was writing it.", "Try again.")
        if overwrite:
            self.part.replace(self._path)
            return
        try:
            self._path.hardlink_to(self.part)  # unlike a rename, never replaces a file that appeared meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            refuse_existing(self._path)
            self.part.replace(self._path)
        else:
            self.part.unlink()

    def discard(self) -> None:
        """Remove it, unless it still holds what a run that has died left. Raises `OSError`."""
        if self.kept and (self._begun or os.fstat(self.descriptor).st_size == 0):
            self.part.unlink(missing_ok=True)


def refuse_part(path: Path) -> None:
    """Raise the `OutputError` that `LockedPart` would raise for a ``.part`` that exists already."""
    part = part_of(path)
    try:
        descriptor = os.open(part, _FLAGS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_error(part, error) from error
    try:
        _refuse_others(descriptor, path)
    finally:
        os.close(descriptor)


def _refuse_others(descriptor: int, path: Path) -> None:
    """Lock the file; `OutputError` if another run holds it, or no run has made it."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(part_of(path))
    if not status.st_mode & stat.S_IWUSR:  # root could open it all the same
        raise write_error(part_of(path), PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if status.st_nlink > 1 and not _is_same(status, path):
        name = plain_text(str(part_of(path)))
        raise OutputError(f"{name} has another name too (a hard link).", "Remove it, or choose another name.")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        hint = "Wait for it to end, or choose another name."
        raise OutputBusyError(f"Another run is writing {plain_text(str(path))}.", hint) from error
    except OSError:
        pass  # a file system without locks


def _is_same(status: os.stat_result, path: Path) -> bool:
    try:
        return os.path.samestat(status, path.lstat())
    except OSError:
        return False


def part_of(path: Path) -> Path:
    """The name of a file while it is being written."""
    return path.with_name(f"{path.name}.part")


def is_special(path: Path) -> bool:
    """Whether the name is a device, a pipe or a socket, which cannot be replaced."""
    mode = _mode(path)
    return mode != 0 and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_special(path: Path) -> None:
    """Raise `OutputError` if the name is a device, a pipe or a socket."""
    if is_special(path):
        raise _no_file(path)


def refuse_folder(path: Path) -> None:
    """Raise `OutputError` if the name is a folder."""
    if stat.S_ISDIR(_mode(path)):
        raise OutputError(f"{plain_text(str(path))} is a folder.", "Name a file in it.")


def refuse_existing(path: Path) -> None:
    """Raise `OutputError` if the name exists."""
    if os.path.lexists(path):
        raise exists_error(path)


def exists_error(path: Path) -> OutputExistsError:
    """The error for a name that is taken."""
    return OutputExistsError(f"{plain_text(str(path))} exists already.", "Use --overwrite to replace it.")


def write_error(path: Path, error: OSError, *, elsewhere: str = "use -o to write elsewhere") -> OutputError:
    """Why `path` cannot be written, with a hint."""
    name, folder = plain_text(str(path)), plain_text(str(path.parent))
    hint = f"{elsewhere[0].upper()}{elsewhere[1:]}."
    if error.errno in NO_ROOM:
        return OutputError(f"There is no room left on the disk for {name}.", f"Make room, or {elsewhere}.")
    if isinstance(error, FileNotFoundError):
        return OutputError(f"There is no folder {folder} to write to.", "Make it first, or correct -o.")
    if isinstance(error, NotADirectoryError):
        return OutputError(f"{folder} is not a folder.", "Correct -o.")
    if error.errno == errno.ELOOP:
        return OutputError(
            f"{name} is a symbolic link, and svlm does not write through links.", "Remove it, or choose another name."
        )
    if isinstance(error, IsADirectoryError):
        return OutputError(f"{name} is a folder.", "Remove it, or choose another name.")
    if error.errno == errno.ENXIO:
        return _no_file(path)
    return OutputError(f"{name} cannot be written: {error.strerror or error}.", hint)


def _no_file(path: Path) -> OutputError:
    return OutputError(f"{plain_text(str(path))} is not a file that can be replaced.", "Choose another name.")


def _mode(path: Path) -> int:
    """The file mode; 0 if the name does not exist or cannot."""
    with contextlib.suppress(OSError, ValueError):
        return path.stat().st_mode
    return 0
