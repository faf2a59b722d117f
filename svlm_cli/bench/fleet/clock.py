"""A simulated clock: deeds in the order of their times. Knows nothing of what is done."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

Deed = Callable[..., None]


class SimulatedClock:
    """Deeds of the same time are done in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.deeds = 0  # done
        self._queue: list[tuple[float, int, Deed, tuple[Any, ...]]] = []
        self._order = itertools.count()

    def at(self, time_s: float, deed: Deed, *arguments: Any) -> None:
        """Do something later."""
        heapq.heappush(self._queue, (time_s, next(self._order), deed, arguments))

    def after(self, delay_s: float, deed: Deed, *arguments: Any) -> None:
        """Do something so much later."""
        heapq.heappush(self._queue, (self.now_s + delay_s, next(self._order), deed, arguments))

    def run(self, until_s: float) -> None:
        """Do everything up to a time."""
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] <= until_s:
            self.now_s, _, deed, arguments = pop(queue)
            deed(*arguments)
            self.deeds += 1
        self.now_s = until_s
