"""Estimates a camera's frame interval from arrival times, and from it the timeout. Pure."""

from collections import deque

_KEPT = 8
_TIMES = 3.0  # times the usual interval
_LEAST_STILL_S = 1.0  # even for fast cameras
_UNKNOWN_S = 15.0  # before an interval is known


class PicturePace:
    """The last few intervals between pictures of a source, over all its connections."""

    def __init__(self) -> None:
        self._intervals_s: deque[float] = deque(maxlen=_KEPT)

    def note(self, interval_s: float) -> None:
        """Record the interval before a new picture."""
        self._intervals_s.append(interval_s)

    @property
    def usual_s(self) -> float | None:
        """The longest usual interval; the very longest is left out, as it may be a break. None before any interval."""
        ordered = sorted(self._intervals_s)
        if not ordered:
            return None
        return ordered[-2] if len(ordered) > 2 else ordered[-1]

    def patience_s(self, least_s: float) -> float:
        """How long to wait for the next picture before giving up the connection, at least `least_s`."""
        usual_s = self.usual_s
        return max(least_s, _UNKNOWN_S if usual_s is None else _TIMES * usual_s)

    def still_s(self, least_s: float) -> float:
        """How long the last picture may be repeated; a later picture follows a break."""
        usual_s = self.usual_s
        return self.patience_s(least_s) if usual_s is None else max(_LEAST_STILL_S, _TIMES * usual_s)
