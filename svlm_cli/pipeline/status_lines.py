"""What is told of cameras in plain lines: how each is, what was dropped, where its words are, how it went."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from svlm_cli.core.events import RoundEnded, SourceStatus, State, describe
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.pipeline.totals import RoundTotals

_REPEAT_S = 60.0  # the same trouble is told again so often
_NAMED_FILES = 3
_WAY_OUT = " Ctrl-C stops; --max-reconnects N limits the attempts."


class StatusLines:
    """What is told of cameras while they run: each change once, the same trouble once a minute, what was dropped."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._reasons: dict[str, tuple[str, float]] = {}  # by camera: the last trouble, and when it was told
        self._dropped: dict[str, tuple[int, float]] = {}  # by camera: not told yet, and when the last were
        self._lock = Lock()  # each camera tells from its own thread

    def note(self, status: SourceStatus) -> None:
        """A camera's state has changed."""
        with self._lock:
            if status.state is State.WAITING:
                reason, told_s = self._reasons.get(status.name, ("", -math.inf))
                if reason == status.reason and time.monotonic() - told_s < _REPEAT_S:
                    return
                self._reasons[status.name] = (status.reason, time.monotonic())
            elif status.state is State.LIVE:
                self._reasons.pop(status.name, None)
            else:
                return
        first = status.state is State.WAITING and status.failures == 1 and not status.connections
        self._say(f"svlm: {describe(status)}{_WAY_OUT if first else ''}")

    def hear(self, ended: RoundEnded) -> None:
        """A round is over: tell what was left out, at most once a minute."""
        count, told_s = self._dropped.get(ended.name, (0, -math.inf))
        count += ended.dropped
        if count and time.monotonic() - told_s >= _REPEAT_S:
            lag = "" if ended.latency_s is None else f"; words come {ended.latency_s:.1f} s after their frame"
            self._say(f"svlm: {ended.name}: the model is too slow, {count} frames were dropped{lag}")
            count, told_s = 0, time.monotonic()
        self._dropped[ended.name] = (count, told_s)


def written(files: Sequence[Path]) -> str:
    """Which they are, the first few by name."""
    names = [path_name(path) for path in files[:_NAMED_FILES]] or ["stdout"]
    more = len(files) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def totals(report: RoundTotals, *, live: bool) -> str:
    """How it went, in a line. A recording drops nothing, and its words are never late."""
    parts = [f"{report.video_s:.1f} s of video"]
    if report.gap_s:
        parts.append(f"{report.gap_s:.1f} s missed")
    if live:
        parts.append(f"{report.dropped} frames dropped")
        latency = report.latency
        parts.append(
            f"words {latency.quantile(0.5):.2f} s after their frame (99 %: {latency.quantile(0.99):.2f} s, "
            f"longest {latency.longest_s:.2f} s)"
        )
    return ", ".join(parts)
