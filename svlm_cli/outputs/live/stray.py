"""Lines that others print to standard error while a screen is on it. They become notices. Knows no screen."""

import io
from collections.abc import Callable
from typing import TextIO

from svlm_cli.core.streams import WholeLines


class StrayLines(io.TextIOBase):
    """Stands in for `sys.stderr`."""

    def __init__(self, file: TextIO, say: Callable[[str], None]) -> None:
        self._file = file
        self._say = say
        self._lines = WholeLines()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._file.encoding

    def fileno(self) -> int:
        """That of the terminal, for whoever writes to it past this."""
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Whole lines are told, the rest waits for its end."""
        for line in filter(str.strip, self._lines.add(text).split("\n")):
            self._say(line)
        return len(text)
