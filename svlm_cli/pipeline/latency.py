"""A latency histogram of bounded size. Pure."""

import math

_SMALLEST_S, _GROWTH = 0.001, 1.05  # each bin is 5 % wider than the one before


class Latency:
    """Durations in bins of 5 %: median, 99th percentile and maximum, without storing the values."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Add a duration."""
        place = round(math.log(max(seconds, _SMALLEST_S) / _SMALLEST_S, _GROWTH))
        self._counts[place] = self._counts.get(place, 0) + 1
        self.count += 1
        self.longest_s = max(self.longest_s, seconds)

    def quantile(self, share: float) -> float:
        """The quantile for `share`, to within 3 %; 0 if there are no durations."""
        wanted = share * self.count
        seen = 0
        for place in sorted(self._counts):
            seen += self._counts[place]
            if seen >= wanted:
                return min(float(_SMALLEST_S * _GROWTH**place), self.longest_s)
        return 0.0
