"""How each video of a call went, as a table on stderr. Knows names, states and times; no engine."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from svlm_cli.core.text import presentable
from svlm_cli.outputs.progress import clock

_WIDTH: Final = 120  # where there is no terminal to ask
_MOST_ROWS: Final = 50  # beyond these, only what did not go well is listed


class State(StrEnum):
    """What became of a video, in the words of the table and in the order of the total."""

    DONE = "captioned"
    SILENT = "nothing said"  # captioned, in files without words
    SKIPPED = "there already"
    ELSEWHERE = "left to another run"
    FAILED = "failed"
    STOPPED = "stopped"  # also while it runs
    WAITING = "not begun"


@dataclass(slots=True)
class _Row:
    state: State = State.WAITING
    begun: float = 0.0
    took_s: float = 0.0
    video_s: float = 0.0


class Summary:
    """The videos of a call, in their order."""

    def __init__(self, sources: Iterable[str], *, skipped: Iterable[str] = ()) -> None:
        self._rows = {source: _Row() for source in sources}
        for source in skipped:
            self._rows[source].state = State.SKIPPED
        self._begun = time.perf_counter()

    def begin(self, source: str) -> None:
        """It is the video's turn. Called again, its time starts anew."""
        row = self._rows[source]
        row.state, row.begun = State.STOPPED, time.perf_counter()

    def end(self, source: str, state: State, video_s: float = 0.0) -> float:
        """The video is over, after so much of it. Returns how long it took, in seconds."""
        row = self._rows[source]
        row.state, row.video_s = state, video_s
        row.took_s = time.perf_counter() - row.begun if row.begun else 0.0
        return row.took_s

    def total(self) -> str:
        """All of it in one line."""
        counts = {state: sum(row.state is state for row in self._rows.values()) for state in State}
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        video_s, took_s = sum(row.video_s for row in self._rows.values()), time.perf_counter() - self._begun
        line = f"{len(self._rows)} videos: {told}."
        return f"{line} {clock(video_s)} of video in {clock(took_s)}." if video_s else line

    def print(self) -> None:
        """The table, and the total below it."""
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)
        table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
        for name in ("video", "result"):
            table.add_column(name, overflow="fold")
        for name in ("length", "took", "speed"):
            table.add_column(name, justify="right", no_wrap=True)
        quiet = (State.DONE, State.SKIPPED) if len(self._rows) > _MOST_ROWS else ()
        for source, row in self._rows.items():
            if row.state not in quiet:
                speed = f"{row.video_s / row.took_s:.1f}x" if row.video_s and row.took_s else ""
                times = [clock(time_s) if time_s else "" for time_s in (row.video_s, row.took_s)]
                table.add_row(Text(presentable(source)), row.state, *times, speed)
        if table.row_count:
            console.print(table)
        console.print(self.total(), markup=False, highlight=False)
