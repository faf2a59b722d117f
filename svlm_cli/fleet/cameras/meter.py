"""How much of its time a worker computes. Pure: it is told the time."""

from collections import deque
from typing import Final

_WINDOW_S: Final = 10.0


class LoadMeter:
    """The share of the last seconds in which rounds were computed: 1 is a worker that never waits for a picture.

    A step begins with the first `RoundStarted` after a `RoundEnded`, and ends with the last `RoundEnded` of its batch.
    """

    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._begun_s: float | None = None  # of the step that runs
        self._ended_s = now_s  # the last `RoundEnded` of the step that runs; before `_begun_s`: there is none yet
        self._steps: deque[tuple[float, float]] = deque()  # of the last seconds
        self.longest_s = 0.0  # step ever

    def begin(self, now_s: float) -> None:
        """A round starts."""
        if self._begun_s is None or self._ended_s >= self._begun_s:
            self._close()
            self._begun_s, self._ended_s = now_s, now_s - 1.0

    def end(self, now_s: float) -> None:
        """A round is over."""
        self._ended_s = now_s

    def running_s(self, now_s: float) -> float:
        """How long the step has run that runs now; 0 if none does."""
        return 0.0 if self._begun_s is None or self._ended_s >= self._begun_s else now_s - self._begun_s

    def load(self, now_s: float) -> float | None:
        """The share; None until enough has been seen."""
        span_s = min(now_s - self._since_s, _WINDOW_S)
        if span_s < _WINDOW_S / 2:
            return None
        from_s = now_s - span_s
        while self._steps and self._steps[0][1] < from_s:
            self._steps.popleft()
        steps = [*self._steps]
        if self._begun_s is not None:
            steps.append((self._begun_s, self._ended_s if self._ended_s >= self._begun_s else now_s))
        return sum(max(end_s - max(begun_s, from_s), 0.0) for begun_s, end_s in steps) / span_s

    def _close(self) -> None:
        if self._begun_s is not None:
            self._steps.append((self._begun_s, self._ended_s))
            self.longest_s = max(self.longest_s, self._ended_s - self._begun_s)
            self._begun_s = None
