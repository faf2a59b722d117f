"""Splits the output of an endless source into files, each named by its start time.

A period begins where the local wall-clock time is a multiple of its length, as with hours and days. Setting the clock
while a file is written makes no file longer. Knows no format.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from svlm_cli.core.errors import OutputError
from svlm_cli.outputs.output import Output, Round
from svlm_cli.outputs.patient import OutputUnfinishedError

_PATIENCE_S = 10.0  # for a sentence at the end of a file
_EARLY_S = 2.0  # a file may begin this much before its period, because clocks get corrected


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Where the current file begins: what another process needs to go on with it."""

    period: int
    zero_s: float  # of its cues, on the source's clock
    begun_s: float  # on the source's clock, and
    begun_wall_s: float  # at the same moment, Unix time


class RotatingOutput:
    """An `Output` that opens a new one for each period of wall-clock time.

    With `shifts`, each file's times count from its own beginning, like those of a recording that starts with it. A
    round goes to one file as a whole, so no word is lost or written twice. A sentence in progress at the end of a
    period may finish, within a limit.
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
        self._begun_s = 0.0  # on the source's clock; with `_begun_wall_s` the start of the current file
        self._begun_wall_s = 0.0

    @property
    def span(self) -> FileSpan | None:
        """Of the current file; None before the first round."""
        if self._output is None or self._period is None:
            return None
        return FileSpan(self._period, self._zero_s, self._begun_s, self._begun_wall_s)

    def resume(self, output: Output, span: FileSpan) -> None:
        """Go on with the file of an interrupted run."""
        self._output, self._period, self._zero_s = output, span.period, span.zero_s
        self._begun_s, self._begun_wall_s = span.begun_s, span.begun_wall_s

    def write(self, segment: Round) -> None:
        """Write one round. Raises `OutputError`."""
        wall_s = time.time() if segment.wall_clock_s is None else segment.wall_clock_s
        self._turn(segment, wall_s)
        assert self._output is not None, "opened with the first round"
        if self._shifts:
            start_s = max(0.0, segment.start_s - self._zero_s)
            segment = replace(segment, start_s=start_s, end_s=start_s + segment.end_s - segment.start_s)
        self._output.write(segment)

    def _turn(self, segment: Round, wall_s: float) -> None:
        """Begin a new file if the segment does not belong to the current one."""
        if self._output is not None:
            steady_s = self._begun_wall_s + segment.start_s - self._begun_s  # the time if nobody set the clock
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
        """The number of the period, and the seconds since its start."""
        if self._every_s is None:
            return 0, 0.0
        local_s = wall_s + (time.localtime(wall_s).tm_gmtoff or 0)
        return int(local_s // self._every_s), local_s % self._every_s

    def _begin(self, segment: Round, wall_s: float) -> None:
        """Open the file for this moment. The first file begins with the source."""
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

    def _goes_on(self, segment: Round, period: int, since_s: float) -> bool:
        """Whether a sentence may continue into the next period."""
        if self._every_s is None or self._period is None or period != self._period + 1:
            return False
        return bool(segment.text.strip()) and not segment.gap_s and since_s < min(_PATIENCE_S, self._every_s / 6)

    def _finish(self) -> None:
        """Close the current file. An error is reported, but must not stop the next file."""
        assert self._output is not None
        try:
            self._output.close()
        except OutputUnfinishedError:
            pass  # already reported; the next file writes the rest
        except OutputError as error:
            self._tell(error.message)

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come. Raises `OutputError`."""
        if self._output is not None:
            self._output.close(complete=complete)


def fixed_name(pattern: Path) -> Path | None:
    """The name that a pattern gives at any time; None if the name depends on the time."""
    depends = "%" in str(pattern).replace("%%", "")
    return None if depends else Path(str(pattern).replace("%%", "%"))


def file_at(pattern: Path, wall_s: float, *, taken: Callable[[Path], bool]) -> Path:
    """The name by the `strftime` pattern for a file that begins at `wall_s`; ``-1``, ``-2`` ... are added if taken."""
    path = Path(time.strftime(str(pattern), time.localtime(wall_s)))
    number = 0
    free = path
    while taken(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
