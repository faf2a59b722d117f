"""Rates of events, now and over the last minute. Takes times from its caller; knows no clock."""

from collections import deque
from dataclasses import dataclass

MINUTE = 60
_WINDOW_S = 10.0
_BARS = " ▁▂▃▄▅▆▇█"


class Rate:
    """Events per second of things that come in bursts, such as the frames of a chunk."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, int]] = deque()

    def add(self, count: int, now_s: float) -> None:
        self._events.append((now_s, count))
        self._forget(now_s)

    def at(self, now_s: float) -> float | None:
        """The rate between the first and the last of the recent bursts; None before there are two.

        It falls when bursts stop coming.
        """
        self._forget(now_s)
        if len(self._events) < 2:
            return None
        (first_s, first), (last_s, _) = self._events[0], self._events[-1]
        usual_s = (last_s - first_s) / (len(self._events) - 1)
        lasted_s = max(last_s, now_s - usual_s) - first_s
        counted = sum(count for _, count in self._events) - first
        return counted / lasted_s if lasted_s > 0 else None

    def _forget(self, now_s: float) -> None:
        while self._events and self._events[0][0] < now_s - _WINDOW_S:
            self._events.popleft()


class Minute:
    """Counts for each of the last sixty seconds."""

    def __init__(self) -> None:
        self._counts: deque[int] = deque([0] * MINUTE, maxlen=MINUTE)
        self._second: int | None = None  # of the newest count
        self._seconds = 0  # complete seconds since the first count

    def add(self, count: int, now_s: float) -> None:
        self._advance(now_s)
        self._counts[-1] += count

    def rate(self, now_s: float) -> float:
        """Per second, over the last ten complete seconds, or fewer at the beginning."""
        self._advance(now_s)
        passed = min(self._seconds, 10)
        return sum(list(self._counts)[-1 - passed : -1]) / passed if passed else 0.0

    def counts(self, now_s: float) -> list[int]:
        """Counts, oldest first, without the current second."""
        self._advance(now_s)
        return list(self._counts)[:-1]

    def _advance(self, now_s: float) -> None:
        second = int(now_s)
        passed = 0 if self._second is None else max(0, second - self._second)
        self._counts.extend([0] * min(passed, MINUTE))
        self._seconds += passed
        self._second = second


def sparkline(counts: list[int], width: int) -> str:
    """The newest `width` counts as bars of eight heights."""
    shown = counts[-width:] if width > 0 else []
    highest = max(shown, default=0)
    if not highest:
        return "▁" * len(shown)
    return "".join(_BARS[max(1, round(count / highest * 8))] for count in shown)


@dataclass(frozen=True, slots=True)
class Machine:
    """The process's use of the machine, as far as known."""

    resident_bytes: int | None = None
    gpu: str = ""  # its name
    gpu_bytes: int | None = None  # held by the process
    gpu_total_bytes: int | None = None
