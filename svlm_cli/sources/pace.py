"""Estimates a camera's frame interval from arrival times, and from it the timeout. Pure."""

from collections import deque

_KEPT = 8
_TIMES = 3.0  # what a usual interval may be exceeded by
_LEAST_STILL_S = 1.0  # however fast it is
_UNKNOWN_S = 15.0  # for the second picture ever


class PicturePace:
    """The intervals between the last few pictures of a source, over all its connections."""

    def __init__(self) -> None:
        self._intervals_s: deque[float] = deque(maxlen=_KEPT)

    def note(self, interval_s: float) -> None:
        """Record the interval before a new picture."""
        self._intervals_s.append(interval_s)

    @property
    def usual_s(self) -> float | None:
        """The longest usual interval: one that is longer than all others may be a break. None if there was none yet."""
        ordered = sorted(self._intervals_s)
        if not ordered:
            return None
        return ordered[-2] if len(ordered) > 2 else ordered[-1]

    def patience_s(self, least_s: float) -> float:
        """How long to wait for the next picture before the connection is given up, at least `least_s`."""
        usual_s = self.usual_s
        return max(least_s, _UNKNOWN_S if usual_s is None else _TIMES * usual_s)

    def still_s(self, least_s: float) -> float:
        """How long the last picture is what the camera shows; after that, what comes next comes after a break."""
        usual_s = self.usual_s
        return self.patience_s(least_s) if usual_s is None else max(_LEAST_STILL_S, _TIMES * usual_s)
