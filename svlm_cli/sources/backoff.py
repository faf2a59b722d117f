"""How long to wait before the next try to connect. Pure, but for chance."""

import random

FIRST_S, LONGEST_S = 0.5, 5.0


class Backoff:
    """Twice as long after each failure in a row, from 0.5 s to 5 s, less a random part of up to a half.

    The random part keeps cameras that were lost together from coming back together.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self.failures = 0

    def next_s(self) -> float:
        """Another failure: how long to wait."""
        longest = min(LONGEST_S, FIRST_S * 2.0 ** min(self.failures, 10))
        self.failures += 1
        return longest * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
