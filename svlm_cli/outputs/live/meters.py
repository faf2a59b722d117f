"""How often something happens, now and in the last minute. Knows no clock: whoever counts says when."""

from collections import deque
from dataclasses import dataclass

MINUTE = 60
_WINDOW_S = 10.0
_BARS = " ▁▂▃▄▅▆▇█"


class Rate:
    """Events a second, of things that come in bursts: a second's frames all at once."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, int]] = deque()

    def add(self, count: int, now_s: float) -> None:
        self._events.append((now_s, count))
        self._forget(now_s)

    def at(self, now_s: float) -> float | None:
        """From the first burst of the last seconds to the last one; None before there are two.

        When bursts stay away, it falls.
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
    """What was counted in each of the last sixty seconds."""

    def __init__(self) -> None:
        self._counts: deque[int] = deque([0] * MINUTE, maxlen=MINUTE)
        self._second: int | None = None  # that of the newest count
        self._seconds = 0  # that have passed since the first one

    def add(self, count: int, now_s: float) -> None:
        self._advance(now_s)
        self._counts[-1] += count

    def rate(self, now_s: float) -> float:
        """A second, over the last ten that have passed, or as many as there are."""
        self._advance(now_s)
        passed = min(self._seconds, 10)
        return sum(list(self._counts)[-1 - passed : -1]) / passed if passed else 0.0

    def counts(self, now_s: float) -> list[int]:
        """Oldest first; the second that has not passed is left out."""
        self._advance(now_s)
        return list(self._counts)[:-1]

    def _advance(self, now_s: float) -> None:
        second = int(now_s)
        passed = 0 if self._second is None else max(0, second - self._second)
        self._counts.extend([0] * min(passed, MINUTE))
        self._seconds += passed
        self._second = second


def sparkline(counts: list[int], width: int) -> str:
    """The newest `width` of them, as bars of eight heights."""
    shown = counts[-width:] if width > 0 else []
    highest = max(shown, default=0)
    if not highest:
        return "▁" * len(shown)
    return "".join(_BARS[max(1, round(count / highest * 8))] for count in shown)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the process takes of the machine, as far as anybody can tell."""

    resident_bytes: int | None = None
    gpu: str = ""  # its name
    gpu_bytes: int | None = None  # that the process holds
    gpu_total_bytes: int | None = None
