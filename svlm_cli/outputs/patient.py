"""A file that is not given up: what cannot be written now is kept, and written when there is room again.

For sources that go on for days, where a full disk must cost nothing but the time until somebody makes room. What is
kept is bounded. Knows no format.
"""

from collections import deque
from collections.abc import Callable

from svlm_cli.core.errors import OutputError
from svlm_cli.outputs.destination import Destination, OutputClosedError

MOST_KEPT = 1 << 20  # characters: hours of words


class PatientFile:
    """A `Destination` that is opened by `open_file`, again if that fails. `tell` hears of trouble and of its end."""

    def __init__(self, open_file: Callable[[], Destination], tell: Callable[[str], None]) -> None:
        self._open_file = open_file
        self._tell = tell
        self._file: Destination | None = None
        self._waiting: deque[tuple[str, str]] = deque()  # pieces, and what stands after each while it is the last
        self._size = 0
        self._lost = 0
        self._trouble: OutputError | None = None

    def write(self, text: str, ending: str = "") -> None:
        """Hand over a whole piece, now or later. Raises `OutputClosedError` alone."""
        self._waiting.append((text, ending))
        self._size += len(text)
        while self._size > MOST_KEPT:
            self._size -= len(self._waiting.popleft()[0])
            self._lost += 1
        self._try()

    def close(self, *, complete: bool) -> None:
        """Try a last time. Raises `OutputError` if something was lost."""
        self._try()
        if self._file is not None:
            self._file.close(complete=complete)
        if self._trouble is not None:
            raise OutputError(f"{self._trouble.message} The last words were lost.", self._trouble.hint)
        if self._lost:
            raise OutputError(
                f"{self._lost} pieces were lost while nothing could be written.", "Make room on the disk."
            )

    def _try(self) -> None:
        try:
            if self._file is None:
                self._file = self._open_file()
            while self._waiting:
                self._file.write(*self._waiting[0])
                self._size -= len(self._waiting.popleft()[0])
        except OutputClosedError:
            raise
        except OutputError as error:
            if self._trouble is None:
                self._tell(f"{error.message} Captioning goes on; what is said is kept until there is room.")
            self._trouble = error
            return
        if self._trouble is not None:
            lost = f"; {self._lost} pieces were lost" if self._lost else ", nothing was lost"
            self._tell(f"Writing works again{lost}.")
            self._trouble = None
