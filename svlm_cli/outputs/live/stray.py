"""Turns lines that other code prints to standard error while the screen is shown into notices. Knows no screen."""

import io
from collections.abc import Callable
from typing import TextIO

from svlm_cli.core.streams import WholeLines


class StrayLines(io.TextIOBase):
    """Replaces `sys.stderr`."""

    def __init__(self, file: TextIO, say: Callable[[str], None]) -> None:
        self._file = file
        self._say = say
        self._lines = WholeLines()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._file.encoding

    def fileno(self) -> int:
        """The terminal's descriptor, for code that writes to it directly."""
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Report whole lines; keep an unfinished line until it ends."""
        for line in filter(str.strip, self._lines.add(text).split("\n")):
            self._say(line)
        return len(text)
