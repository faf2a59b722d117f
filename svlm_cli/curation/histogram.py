"""How numbers are spread: counted in steps, so that any number of them takes the same memory."""

import math
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate


class Histogram:
    """Numbers from 0 on, in steps of `step`."""

    def __init__(self, step: float) -> None:
        self.step = step
        self._counts: Counter[int] = Counter()
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """One more."""
        self._counts[math.floor(value / self.step + 1e-9)] += 1
        self._sum += value
        self._count += 1

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    @property
    def mean(self) -> float | None:
        """None without any."""
        return self._sum / self._count if self._count else None

    def at(self, share: float) -> float | None:
        """The step in which that share of the numbers is reached: its lower edge. None without any."""
        steps = sorted(self._counts)
        reached: Iterable[int] = accumulate(self._counts[one] for one in steps)
        wanted = share * self._count
        return next((one * self.step for one, sum_ in zip(steps, reached, strict=True) if sum_ >= wanted), None)

    def bars(self) -> list[tuple[float, int]]:
        """The lower edge of each step that has any, and how many."""
        return [(one * self.step, self._counts[one]) for one in sorted(self._counts)]

    def to_json(self) -> dict[str, float | None]:
        """For programs."""
        found = {"mean": self.mean, "p5": self.at(0.05), "p50": self.at(0.5), "p95": self.at(0.95)}
        return {name: None if value is None else round(value, 3) for name, value in found.items()}
