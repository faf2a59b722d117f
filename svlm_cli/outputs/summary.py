"""How each video of a call went: a table on stderr, or a JSON document. Knows names, states and times; no engine."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.logins import without_logins
from svlm_cli.core.signals import last_words
from svlm_cli.core.text import presentable
from svlm_cli.outputs.progress import clock

_WIDTH: Final = 120  # where there is no terminal to ask
_MOST_ROWS: Final = 50  # beyond these, only what did not go well is listed
_NO_OUTPUTS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class SummaryStyle(StrEnum):
    """How it is told."""

    TABLE = "table"
    JSON = "json"
    NONE = "none"


class VideoState(StrEnum):
    """What became of a video, in the words of the table and in the order of the total; for programs, its name."""

    DONE = "captioned"
    SILENT = "nothing said"  # captioned, in files without words
    SKIPPED = "there already"
    ELSEWHERE = "left to another run"
    FAILED = "failed"
    STOPPED = "stopped"  # also while it runs
    WAITING = "not begun"


@dataclass(slots=True)
class _Row:
    outputs: list[str]
    complete: bool = False
    state: VideoState = VideoState.WAITING
    begun: float = 0.0
    took_s: float = 0.0
    video_s: float = 0.0
    error: SvlmError | None = None

    @property
    def written(self) -> list[str]:
        """Where its words are."""
        whole = self.complete or self.state in (VideoState.DONE, VideoState.SILENT, VideoState.SKIPPED)
        return self.outputs if whole else []

    def stop(self) -> None:
        """It has taken so long."""
        self.took_s = time.perf_counter() - self.begun if self.begun else 0.0


class Summary:
    """The videos of a call, in their order, each with the names of its `outputs`."""

    def __init__(
        self,
        sources: Iterable[str],
        *,
        skipped: Iterable[str] = (),
        outputs: Mapping[str, Sequence[str]] = _NO_OUTPUTS,
    ) -> None:
        self._rows = {source: _Row(list(outputs.get(source, ()))) for source in sources}
        self._begun = time.perf_counter()
        for source in skipped:
            self.skip(source)

    def skip(self, source: str) -> None:
        """All that was wanted of the video is there."""
        self._rows[source].state = VideoState.SKIPPED

    def begin(self, source: str) -> None:
        """It is the video's turn. Called again, its time starts anew."""
        row = self._rows[source]
        row.state, row.begun = VideoState.STOPPED, time.perf_counter()

    def end(
        self,
        source: str,
        state: VideoState,
        video_s: float = 0.0,
        *,
        error: SvlmError | None = None,
        complete: bool = False,
    ) -> float:
        """The video is over, after so much of it. Returns how long it took, in seconds.

        `complete`: its outputs are, although it failed, as of a video that is cut off.
        """
        row = self._rows[source]
        row.state, row.video_s, row.error, row.complete = state, video_s, error, complete
        row.stop()
        return row.took_s

    def lose(self, source: str, output: str, error: SvlmError) -> None:
        """One of the things that were to be made of the video could not be made."""
        self._rows[source].outputs.remove(output)
        self._rows[source].error = error

    def total(self) -> str:
        """All of it in one line."""
        counts = {state: sum(row.state is state for row in self._rows.values()) for state in VideoState}
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        video_s, took_s = self._times()
        line = f"{len(self._rows)} videos: {told}."
        return f"{line} {clock(video_s)} of video in {clock(took_s, tenths=True)}." if video_s else line

    def _times(self) -> tuple[float, float]:
        return sum(row.video_s for row in self._rows.values()), time.perf_counter() - self._begun

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
        table.add_column("words", overflow="fold")
        quiet = (VideoState.DONE, VideoState.SKIPPED) if len(self._rows) > _MOST_ROWS else ()
        for source, row in self._rows.items():
            if row.state not in quiet:
                speed = f"{row.video_s / row.took_s:.1f}x" if row.video_s and row.took_s else ""
                length = clock(row.video_s) if row.video_s else ""
                took = clock(row.took_s, tenths=True) if row.took_s else ""
                words = Text(presentable(_gathered(row.written)))
                table.add_row(Text(presentable(source)), row.state, length, took, speed, words)
        if table.row_count:
            console.print(table)
        console.print(self.total(), markup=False, highlight=False)

    @contextmanager
    def written(self, write: Callable[[str], object] | None) -> Iterator[None]:
        """One JSON document at the end, if somebody is to `write` it, whatever ends the call."""
        error: SvlmError | None = None

        def conclude() -> None:
            if write is not None:
                write(json.dumps(self.to_json(error), indent=2))

        try:
            with last_words(conclude):
                yield
        except SvlmError as raised:
            error = raised
            raise
        finally:
            conclude()

    def to_json(self, error: SvlmError | None = None) -> dict[str, Any]:
        """For programs; `error` is what ended the call, and not one video."""
        video_s, took_s = self._times()
        states = [row.state for row in self._rows.values()]
        return {
            "videos": [_described(source, row) for source, row in self._rows.items()],
            "total": {
                "videos": len(states),
                "states": {state.name.lower(): states.count(state) for state in VideoState},
                "video_s": round(video_s, 3),
                "took_s": round(took_s, 3),
            },
            "error": _sentence(error),
        }


def _described(source: str, row: _Row) -> dict[str, Any]:
    if row.state is VideoState.STOPPED and not row.took_s:
        row.stop()
    return {
        "source": without_logins(source),
        "state": row.state.name.lower(),
        "outputs": list(map(without_logins, row.written)),
        "video_s": round(row.video_s, 3),
        "took_s": round(row.took_s, 3),
        "error": _sentence(row.error),
    }


def _sentence(error: SvlmError | None) -> str | None:
    return None if error is None else presentable(str(error))


def _gathered(outputs: Sequence[str]) -> str:
    """`a.{srt,json}` for two of one name, as shells write it."""
    paths = list(map(Path, outputs))
    if len(paths) > 1 and len({path.with_suffix("") for path in paths}) == 1:
        return f"{paths[0].with_suffix('')}.{{{','.join(path.suffix[1:] for path in paths)}}}"
    return ", ".join(outputs)
