"""The frame rule, written naively: which pictures must come when."""

from collections.abc import Sequence

from svlm_cli.core.types import Frame
from tests.clips import number_of

LATE_S = 0.0005


def expected(
    times_s: Sequence[float], over_s: float, *, fps: float, start_s: float | None = None, end_s: float | None = None
) -> list[tuple[int, float]]:
    """Number and time of each frame. Picture n comes on screen at ``times_s[n]``; the last one leaves at `over_s`."""
    start_s = times_s[0] if start_s is None else max(start_s, times_s[0])
    found = []
    index = 0
    while (time_s := start_s + index / fps) < min(over_s, over_s if end_s is None else end_s) - LATE_S:
        newest = max(number for number, shown_s in enumerate(times_s) if shown_s <= time_s + LATE_S)
        found.append((newest, round(time_s, 4)))
        index += 1
    return found


def seen(frames: Sequence[Frame]) -> list[tuple[int, float]]:
    """Number and time of each frame that came."""
    return [(number_of(frame.pixels), round(frame.time_s, 4)) for frame in frames]
