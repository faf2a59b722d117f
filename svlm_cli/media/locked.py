"""A file on its way: ``NAME.part``, which one run writes and nobody else touches, until it gets its name.

Files of words and videos are alike here. Knows neither what is in them nor who writes it.
"""

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path

from svlm_cli.core.errors import NO_ROOM, OutputBusyError, OutputError, OutputExistsError
from svlm_cli.core.text import plain_text

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe nobody reads must not hold us


class LockedPart:
    """`path`'s ``.part``, open, and locked for as long as `descriptor` is open. Raises `OutputError`.

    What a dead run left under that name stays until `begin`. What a living one writes is not touched, nor anything that
    no run leaves behind: a link, a folder, a pipe, a device, a file that may not be written or has a name of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self.part = part_of(path)
        while (descriptor := self._open()) is None:
            pass
        self.descriptor = descriptor

    def _open(self) -> int | None:
        """None if the file just opened is not the one with that name any more."""
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
        """Lock the file just opened; False if it is not the one with that name any more."""
        _refuse_others(descriptor, self._path)
        if not _is_same(os.fstat(descriptor), self.part):
            return False
        if os.fstat(descriptor).st_nlink > 1:  # a run that died while it renamed: `path` is the finished file
            self.part.unlink()
            return False
        return True

    def begin(self) -> None:
        """What a dead run left there goes, once. Raises `OSError`."""
        if not self._begun:
            os.ftruncate(self.descriptor, 0)
            self._begun = True

    @property
    def kept(self) -> bool:
        """Whether that name still refers to our file."""
        return _is_same(os.fstat(self.descriptor), self.part)

    def rename(self, *, overwrite: bool) -> None:
        """It gets its name. Raises `FileExistsError` if that was taken meanwhile and is not to be replaced."""
        if not self.kept:
            name = plain_text(str(self.part))
            raise OutputError(f"{name} was taken away while it was written.", "Leave it alone, and try again.")
        if overwrite:
            self.part.replace(self._path)
            return
        try:
            self._path.hardlink_to(self.part)  # unlike a rename, never replaces a file that appeared meanwhile
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            refuse_existing(self._path)
            self.part.replace(self._path)
        else:
            self.part.unlink()

    def discard(self) -> None:
        """It is gone, unless what a dead run left is still in it. Raises `OSError`."""
        if self.kept and (self._begun or os.fstat(self.descriptor).st_size == 0):
            self.part.unlink(missing_ok=True)


def refuse_part(path: Path) -> None:
    """Raise the `OutputError` that `LockedPart` would, if there is something already that it would not take."""
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
    """Lock it; `OutputError` if it is another run's, or none's."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _no_file(part_of(path))
    if not status.st_mode & stat.S_IWUSR:  # which does not keep root from opening it
        raise write_error(part_of(path), PermissionError())
    if status.st_nlink > 1 and not _is_same(status, path):
        name = plain_text(str(part_of(path)))
        raise OutputError(f"{name} is a file that has another name too.", "Remove it, or choose another name.")
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
    """The name of a file while it is written."""
    return path.with_name(f"{path.name}.part")


def is_special(path: Path) -> bool:
    """Whether there is a device, a pipe or a socket of that name: nothing to be replaced."""
    mode = _mode(path)
    return mode != 0 and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_special(path: Path) -> None:
    """Raise `OutputError` if there is a device, a pipe or a socket of that name."""
    if is_special(path):
        raise _no_file(path)


def refuse_folder(path: Path) -> None:
    """Raise `OutputError` if there is a folder of that name."""
    if stat.S_ISDIR(_mode(path)):
        raise OutputError(f"{plain_text(str(path))} is a folder.", "Name a file in it.")


def refuse_existing(path: Path) -> None:
    """Raise `OutputError` if there is anything of that name."""
    if os.path.lexists(path):
        raise exists_error(path)


def exists_error(path: Path) -> OutputExistsError:
    """The error for a name that is taken."""
    return OutputExistsError(f"{plain_text(str(path))} exists already.", "Use --overwrite to replace it.")


def write_error(path: Path, error: OSError, *, elsewhere: str = "use -o to write elsewhere") -> OutputError:
    """Why `path` cannot be written, and what to do."""
    name, folder = plain_text(str(path)), plain_text(str(path.parent))
    hint = f"{elsewhere[0].upper()}{elsewhere[1:]}."
    if error.errno in NO_ROOM:
        return OutputError(f"There is no room left on the disk for {name}.", f"Make room, or {elsewhere}.")
    if isinstance(error, FileNotFoundError):
        return OutputError(f"There is no folder {folder} to write to.", "Make it first, or correct -o.")
    if isinstance(error, NotADirectoryError):
        return OutputError(f"{folder} is not a folder.", "Correct -o.")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return OutputError(f"{name} may not be written.", hint)
    if error.errno == errno.ELOOP:
        return OutputError(f"{name} is a link, which is not followed.", "Remove it, or choose another name.")
    if isinstance(error, IsADirectoryError):
        return OutputError(f"{name} is a folder.", "Remove it, or choose another name.")
    if error.errno == errno.ENXIO:
        return _no_file(path)
    return OutputError(f"{name} cannot be written: {error.strerror or error}.", hint)


def _no_file(path: Path) -> OutputError:
    return OutputError(f"{plain_text(str(path))} is not a file that can be replaced.", "Choose another name.")


def _mode(path: Path) -> int:
    """What there is of that name; 0 if nothing is, or could be."""
    with contextlib.suppress(OSError, ValueError):
        return path.stat().st_mode
    return 0
