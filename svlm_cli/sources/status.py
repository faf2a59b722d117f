"""How a live source is: what a screen, a line on stderr or a report of it needs. Knows neither ffmpeg nor who asks."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a live source is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"  # for the next try to connect
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A live source at one moment. Handed out at each change of `state`, and whenever somebody asks."""

    name: str
    state: State
    reason: str = ""  # why there is no picture, or what is strange about those that come, in a sentence
    retry_s: float | None = None  # until the next try, while waiting
    first_frame_s: float | None = None  # how long this connection took to show its first picture
    connections: int = 0  # that showed pictures
    failures: int = 0  # in a row
    frames: int = 0
    gap_s: float = 0.0  # all the time without pictures, between the first one and the last


def describe(status: SourceStatus) -> str:
    """One line for people."""
    match status.state:
        case State.CONNECTING:
            return f"{status.name}: connecting"
        case State.LIVE if status.reason:
            return f"{status.name} {status.reason}"
        case State.LIVE:
            took = "" if status.first_frame_s is None else f", first picture after {status.first_frame_s:.1f} s"
            return f"{status.name}: {'connected' if status.connections == 1 else 'connected again'}{took}"
        case State.WAITING:
            return f"{status.name} {status.reason} Trying again in {_span(status.retry_s or 0)}."
        case State.ENDED:
            return f"{status.name}: ended"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
