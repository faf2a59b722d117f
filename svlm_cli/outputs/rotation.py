"""The files of a source without an end: one after another, each named by the moment when it begins.

A period begins where the clock on the wall is a multiple of its length, as with hours and days. Knows no format.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.output import Output
from svlm_cli.outputs.patient import OutputUnfinishedError

_PATIENCE_S = 10.0  # for a speaker, at the end of a file


class RotatingOutput:
    """An `Output` that opens a new one for each period, by the wall-clock time at which it begins.

    With `shifts` each file's times are counted from its own beginning, so that they are those of a recording that
    begins with it. A round is written to one file, whole, so no word is lost and none is written twice; who is speaking
    when a period ends may finish, for a while.
    """

    def __init__(
        self,
        open_output: Callable[[float], Output],
        *,
        every_s: float | None,
        shifts: bool,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._open_output = open_output
        self._every_s = every_s
        self._shifts = shifts
        self._tell = tell
        self._output: Output | None = None
        self._period: int | None = None
        self._zero_s = 0.0

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        wall_s = time.time() if segment.wall_clock_s is None else segment.wall_clock_s
        self._turn(segment, wall_s)
        assert self._output is not None, "opened with the first round"
        if self._shifts:
            start_s = max(0.0, segment.start_s - self._zero_s)
            segment = replace(segment, start_s=start_s, end_s=start_s + segment.end_s - segment.start_s)
        self._output.write(segment)

    def _turn(self, segment: Segment, wall_s: float) -> None:
        """Begin the file that the segment belongs to, unless it is there."""
        if self._every_s is None:
            period, since_s = 0, 0.0
        else:
            local_s = wall_s + (time.localtime(wall_s).tm_gmtoff or 0)
            period, since_s = int(local_s // self._every_s), local_s % self._every_s
        if period == self._period or self._goes_on(segment, period, since_s):
            return
        if self._output is None:  # the first file begins with the source
            since_s = 0.0
        else:
            self._finish()
        self._zero_s = segment.start_s - since_s if self._period is not None else 0.0
        self._period = period
        self._output = self._open_output(wall_s - since_s)

    def _goes_on(self, segment: Segment, period: int, since_s: float) -> bool:
        """Whether a sentence may run over into the next period."""
        if self._every_s is None or self._period is None or period != self._period + 1:
            return False
        return bool(segment.text.strip()) and not segment.gap_s and since_s < min(_PATIENCE_S, self._every_s / 6)

    def _finish(self) -> None:
        """A file is complete; that it is not whole must not end what comes after it."""
        assert self._output is not None
        try:
            self._output.close()
        except OutputUnfinishedError:
            pass  # it was told, and the next file does what is left
        except OutputError as error:
            self._tell(error.message)

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come. Raises `OutputError`."""
        if self._output is not None:
            self._output.close(complete=complete)


def file_at(pattern: Path, wall_s: float, *, taken: Callable[[Path], bool]) -> Path:
    """The name that the pattern of `strftime` gives a file that begins then; with ``-1``, ``-2`` ... if it is taken."""
    path = Path(time.strftime(str(pattern), time.localtime(wall_s)))
    number = 0
    free = path
    while taken(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
