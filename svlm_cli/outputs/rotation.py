"""Rotates the files of an endless source, each named by its start time.

A period begins where the clock on the wall is a multiple of its length, as with hours and days. That clock may be set
while a file is written: it names files, and makes none longer. Knows no format.
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
_EARLY_S = 2.0  # a file that begins this much before its period does begins with it: clocks are corrected all the time


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
        self._begun_s = 0.0  # by the source's clock, and
        self._begun_wall_s = 0.0

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
        if self._output is not None:
            steady_s = self._begun_wall_s + segment.start_s - self._begun_s  # the time, had the clock not been set
            period, since_s = self._period_at(max(wall_s, steady_s))
            set_back = steady_s - wall_s > self._early_s and self._period_at(wall_s)[0] != self._period
            if not set_back and (period == self._period or self._goes_on(segment, period, since_s)):
                return
            self._finish()
        self._begin(segment, wall_s)

    @property
    def _early_s(self) -> float:
        return 0.0 if self._every_s is None else min(_EARLY_S, self._every_s / 6)

    def _period_at(self, wall_s: float) -> tuple[int, float]:
        """Its number, and for how long it has lasted."""
        if self._every_s is None:
            return 0, 0.0
        local_s = wall_s + (time.localtime(wall_s).tm_gmtoff or 0)
        return int(local_s // self._every_s), local_s % self._every_s

    def _begin(self, segment: Segment, wall_s: float) -> None:
        """The file of this moment; the first one begins with the source."""
        since_s = 0.0
        if self._output is None or self._every_s is None:
            self._period, _ = self._period_at(wall_s)
        else:
            self._period, since_s = self._period_at(wall_s + self._early_s)
            since_s -= self._early_s
            self._zero_s = segment.start_s - max(0.0, since_s)
        begins_s = wall_s - since_s
        self._begun_s, self._begun_wall_s = segment.start_s, max(wall_s, begins_s)
        self._output = self._open_output(begins_s)

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


def fixed_name(pattern: Path) -> Path | None:
    """The name that a pattern gives at any time; None if it depends on the time."""
    depends = "%" in str(pattern).replace("%%", "")
    return None if depends else Path(str(pattern).replace("%%", "%"))


def file_at(pattern: Path, wall_s: float, *, taken: Callable[[Path], bool]) -> Path:
    """The name that the pattern of `strftime` gives a file that begins then; with ``-1``, ``-2`` ... if it is taken."""
    path = Path(time.strftime(str(pattern), time.localtime(wall_s)))
    number = 0
    free = path
    while taken(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
