"""Histograms with bins of equal width, so memory does not depend on the number of values."""

import math
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate


class Histogram:
    """Non-negative values, in bins of width `step`."""

    def __init__(self, step: float) -> None:
        self.step = step
        self._counts: Counter[int] = Counter()
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """Add a value."""
        self._counts[math.floor(value / self.step + 1e-9)] += 1
        self._sum += value
        self._count += 1

    @property
    def count(self) -> int:
        """The number of values."""
        return self._count

    @property
    def mean(self) -> float | None:
        """None if there are no values."""
        return self._sum / self._count if self._count else None

    def at(self, share: float) -> float | None:
        """The lower edge of the bin with this quantile. None if there are no values."""
        steps = sorted(self._counts)
        reached: Iterable[int] = accumulate(self._counts[one] for one in steps)
        wanted = share * self._count
        return next((one * self.step for one, sum_ in zip(steps, reached, strict=True) if sum_ >= wanted), None)

    def bars(self) -> list[tuple[float, int]]:
        """The lower edge and count of each non-empty bin."""
        return [(one * self.step, self._counts[one]) for one in sorted(self._counts)]

    def to_json(self) -> dict[str, float | None]:
        """A summary for programs."""
        found = {"mean": self.mean, "p5": self.at(0.05), "p50": self.at(0.5), "p95": self.at(0.95)}
        return {name: None if value is None else round(value, 3) for name, value in found.items()}
