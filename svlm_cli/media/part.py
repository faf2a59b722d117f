"""A video file being written: ffmpeg writes ``NAME.part``, which is renamed once it is found to be complete.

Knows how a complete file looks from outside, not what it shows.
"""

import errno
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import IO

from svlm_cli.core.errors import OutputAppearedError, OutputError
from svlm_cli.core.text import presentable
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.media.locked import LockedPart, part_of, refuse_existing, refuse_part, refuse_special, write_error
from svlm_cli.media.message import read_messages, whole_lines


class PartVideo:
    """The file that ffmpeg writes to `part`. Raises `OutputError` at once if `path` cannot or must not be written."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._overwrite = overwrite
        self._locked: LockedPart | None = None
        self.name = path_name(path)
        self.part = part_of(path)
        self.refuse()

    def refuse(self) -> None:
        """Raise `OutputError` if the file cannot be written, or exists and must not be replaced."""
        if os.path.isdir(self._path):  # noqa: PTH112  a name that is too long is refused on opening
            raise OutputError(f"{self.name} is a folder.", "Name a file in it.")
        folder = self._path.parent
        if not folder.is_dir():
            raise OutputError(f"There is no folder {path_name(folder)} to write to.", "Make it first, or correct -o.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"The folder {path_name(folder)} is not writable.", "Write to another one.")
        if not self._overwrite:
            refuse_existing(self._path)
        refuse_special(self._path)
        if self._locked is None:
            refuse_part(self._path)

    def open(self) -> tuple[int]:
        """Lock `part`. Returns the descriptors that ffmpeg must inherit, so that the lock lasts as long as ffmpeg."""
        self.refuse()
        self._locked = LockedPart(self._path)
        try:
            self._locked.begin()
        except OSError as error:
            self.abandon()
            raise self.error(error) from error
        return (self._locked.descriptor,)

    def complete(self) -> None:
        """Give it its final name. Raises `OutputError`."""
        assert self._locked is not None, "it was opened"
        try:
            self._locked.rename(overwrite=self._overwrite)
        except FileExistsError as error:
            raise OutputAppearedError(
                f"{self.name} appeared while it was written.", "Use --overwrite to replace it."
            ) from error
        except OSError as error:
            raise self.error(error) from error

    def abandon(self) -> None:
        """Leave no partial file behind. Does nothing once it is complete, or if it was never opened."""
        if self._locked is None:
            return
        locked, self._locked = self._locked, None
        with suppress(OSError):
            locked.discard()
        os.close(locked.descriptor)

    def failure(self, exit_code: int, log: IO[bytes], hint: str) -> OutputError | None:
        """Why it is incomplete, from ffmpeg's exit code and last messages; None if ffmpeg reports success.

        ffmpeg may exit with 0 although its last bytes could not be written.
        """
        said, no_room, failed = "", exit_code == -signal.SIGXFSZ, exit_code != 0
        log.seek(0)
        for message in read_messages(whole_lines(log)):
            if message.is_error and message.text.strip():
                said = message.text.strip()
                no_room |= message.no_room
                failed |= message.not_written
        if no_room:
            return self.error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        if not failed:
            return None
        said = said.replace(f"file:{self.part.absolute()}", self.name)
        return OutputError(f"{self.name} cannot be written. {presentable(said)}".strip(), hint)

    @property
    def incomplete(self) -> OutputError:
        """The error for a file that ends too early or cannot be read back, for no known reason."""
        hint = "Check whether the disk is full or failing, and try again."
        return OutputError(f"{self.name} is incomplete or cannot be read back.", hint)

    def error(self, error: OSError) -> OutputError:
        """The error for a file that cannot be written."""
        return write_error(self._path, error, elsewhere="write it elsewhere")
