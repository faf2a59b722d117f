"""Keeps retrying a file: text that cannot be written is buffered, and written once there is room again.

For sources that run for days: a full disk must lose nothing if someone makes room in time, even if later files have
begun meanwhile. The buffer is bounded. Knows no format.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from svlm_cli.core.errors import OutputError
from svlm_cli.outputs.destination import Destination, OutputClosedError

MOST_KEPT = 1 << 20  # characters: hours of words


class OutputUnfinishedError(OutputError):
    """Not all of a file could be written. The next file still tries to; if there is none, the rest is lost."""


class _Pieces:
    """The text that is still to be written to one file."""

    def __init__(self, open_file: Callable[[], Destination]) -> None:
        self._open_file = open_file
        self._file: Destination | None = None
        self._waiting: deque[tuple[str, str]] = deque()  # pieces, each with its ending
        self.size = 0

    def add(self, text: str, ending: str) -> None:
        self._waiting.append((text, ending))
        self.size += len(text)

    def drop_oldest(self) -> None:
        self.size -= len(self._waiting.popleft()[0])

    def put(self) -> None:
        if self._file is None:
            self._file = self._open_file()
        while self._waiting:
            self._file.write(*self._waiting[0])
            self.drop_oldest()

    def close(self, *, complete: bool) -> None:
        if self._file is not None:
            self._file.close(complete=complete)


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What was not done when a file was closed."""

    files: tuple[_Pieces, ...]
    lost: int
    trouble: OutputError  # already reported


class PatientFile:
    """A `Destination` opened by `open_file`, which is retried if it fails. `tell` gets each failure and recovery.

    `after` is the closed file before this one, whose buffered text is written first.
    """

    def __init__(
        self, open_file: Callable[[], Destination], tell: Callable[[str], None], *, after: Self | None = None
    ) -> None:
        self._tell = tell
        self._own = _Pieces(open_file)
        self._earlier: deque[_Pieces] = deque()
        self._lost = 0
        self._trouble: OutputError | None = None
        if after is not None and (left := after.left) is not None:
            self._earlier.extend(left.files)
            self._lost, self._trouble = left.lost, left.trouble

    @property
    def left(self) -> "_Left | None":
        """The unwritten rest that the next file takes over; None if there is none."""
        if self._trouble is None:
            return None
        return _Left((*self._earlier, self._own), self._lost, self._trouble)

    def write(self, text: str, ending: str = "") -> None:
        """Write a whole piece, now or later. Raises only `OutputClosedError`."""
        self._own.add(text, ending)
        files = (*self._earlier, self._own)
        while sum(file.size for file in files) > MOST_KEPT:
            next(file for file in files if file.size).drop_oldest()
            self._lost += 1
        self._try()

    def close(self, *, complete: bool) -> None:
        """Try a last time. Raises `OutputUnfinishedError` if text is still buffered, `OutputError` if any was lost."""
        self._try()
        if self._trouble is not None:
            raise OutputUnfinishedError(f"{self._trouble.message} The last words were lost.", self._trouble.hint)
        self._own.close(complete=complete)
        if self._lost:
            raise OutputError(
                f"{self._lost} pieces were lost while nothing could be written.", "Make room on the disk."
            )

    def _try(self) -> None:
        trouble = self._write_earlier()
        try:
            self._own.put()
        except OutputClosedError:
            raise
        except OutputError as error:
            trouble = error
        if trouble is not None and self._trouble is None:
            self._tell(
                f"{trouble.message} Captioning continues; captions are kept in memory until they can be written."
            )
        if trouble is None and self._trouble is not None:
            lost = f"; {self._lost} pieces were lost" if self._lost else ", nothing was lost"
            self._tell(f"Captions are being written again{lost}.")
        self._trouble = trouble

    def _write_earlier(self) -> OutputError | None:
        try:
            while self._earlier:
                self._earlier[0].put()
                self._earlier.popleft().close(complete=True)
        except OutputError as error:
            return error
        return None
