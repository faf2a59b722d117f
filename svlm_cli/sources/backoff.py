"""How long to wait before reconnecting. Pure, apart from the random part."""

import random

FIRST_S, LONGEST_S = 0.5, 5.0
FIRST_DENIED_S, LONGEST_DENIED_S = 60.0, 900.0


class Backoff:
    """Doubles the wait after each failure in a row, from 0.5 s to 5 s, and shortens it by a random part of up to half.

    The random part keeps cameras that were lost together from reconnecting together. A camera that rejects the password
    is retried after 1, 2, 4 ... up to 15 minutes, because many lock the account after a few tries. Other failures in
    between do not reset that count.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self.failures = 0
        self._denials = 0

    def next_s(self, *, denied: bool = False) -> float:
        """Count a failure; return how long to wait."""
        self.failures += 1
        if denied:
            self._denials += 1
            return min(LONGEST_DENIED_S, FIRST_DENIED_S * 2.0 ** min(self._denials - 1, 10))
        longest = min(LONGEST_S, FIRST_S * 2.0 ** min(self.failures - 1, 10))
        return longest * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Reset after a success."""
        self.failures = self._denials = 0
