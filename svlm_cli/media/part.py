"""A video file on its way: written as ``NAME.part``, named when it is complete. Knows not what is in it."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import IO

from svlm_cli.core.errors import OutputError
from svlm_cli.media.ffmpeg import path_name, presentable

_LOG_BYTES = 10_000
_TAGS = re.compile(r"(?:\[[^\]]*\] )+")  # which part of ffmpeg says it, and how loud


class PartVideo:
    """The file that ffmpeg writes to `part`. Raises `OutputError` at once if `path` cannot or must not be written."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._overwrite = overwrite
        self.name = path_name(path)
        self.part = path.with_name(f"{path.name}.part")
        self.refuse()

    def refuse(self) -> None:
        """Raise `OutputError` if the file cannot be written, or is there and must not be replaced."""
        if os.path.isdir(self._path):  # noqa: PTH112  a name that is too long is ffmpeg's to refuse
            raise OutputError(f"{self.name} is a folder.", "Name a file in it.")
        folder = self._path.parent
        if not folder.is_dir():
            raise OutputError(f"There is no folder {path_name(folder)} to write to.", "Make it first, or correct -o.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"Nothing may be written to the folder {path_name(folder)}.", "Write to another one.")
        if os.path.lexists(self._path) and not self._overwrite:
            raise OutputError(f"{self.name} exists already.", "Use --overwrite to replace it.")

    def complete(self) -> None:
        """It gets its name. Raises `OutputError` or `OSError`."""
        self.refuse()
        self.part.replace(self._path)

    def abandon(self) -> None:
        """No half of a file is left behind. Once complete, there is nothing to do."""
        with suppress(OSError):  # it never was
            self.part.unlink()

    def failure(self, log: IO[bytes], hint: str) -> OutputError:
        """Why it cannot be written, from what ffmpeg said last."""
        log.seek(0)
        lines = presentable(log.read(_LOG_BYTES).decode(errors="replace")).split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        said = _TAGS.sub("", said)
        return OutputError(f"{self.name} cannot be written. {said}".strip(), hint)
