"""What happens to a source while it is captioned: a closed set of events, small plain data that goes through JSON.

JSON lines, the live view, progress and totals read them. Pictures are not part of an event. Knows neither producers
nor consumers.
"""

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from svlm_cli.core.types import Chunk, Segment, TokenEvent


class State(StrEnum):
    """What a source is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"  # for the next try to connect
    READING = "reading"  # a recording, which waits for its reader
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The status of a source at one moment. Emitted at each change of `state`, and on request."""

    name: str
    state: State
    reason: str = ""  # why there is no picture, or what is strange about those that come, in a sentence
    retry_s: float | None = None  # until the next try, while waiting
    first_frame_s: float | None = None  # how long this connection took to show its first picture
    connections: int = 0  # that showed pictures
    failures: int = 0  # in a row
    frames: int = 0
    gap_s: float = 0.0  # all the time without pictures, between the first one and the last


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """The pictures of one round go to the model."""

    name: str  # of the source, as in all events
    start_s: float
    end_s: float
    frames: int
    gap_s: float = 0.0
    dropped: int = 0  # frames thrown away since the round before

    @classmethod
    def of(cls, chunk: Chunk, name: str) -> Self:
        """The event for a chunk of the source called `name`."""
        return cls(name, chunk.start_s, chunk.end_s, len(chunk.frames), chunk.gap_s, chunk.dropped)


@dataclass(frozen=True, slots=True)
class TokenSpoken:
    """The round goes on with a token. `text` is the text that it completes, often none."""

    name: str
    text: str

    @classmethod
    def of(cls, token: TokenEvent, name: str) -> Self:
        """The event for a token about the source called `name`."""
        return cls(name, token.text)


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """What a round said and what it cost. Empty text is silence."""

    name: str
    start_s: float
    end_s: float
    text: str
    tokens: int
    work_s: float  # from the call of the step to the round's last token
    wall_clock_s: float | None = None  # Unix time, for live sources
    container_s: float | None = None  # `start_s` on the file's own clock
    gap_s: float = 0.0
    dropped: int = 0
    latency_s: float | None = None  # of live sources: from the newest frame's arrival to the round's last word
    model: str = ""

    @classmethod
    def of(cls, segment: Segment, name: str = "", model: str = "") -> Self:
        """The event for a segment about the source called `name`, said by `model`."""
        return cls(
            name=name,
            start_s=segment.start_s,
            end_s=segment.end_s,
            text=segment.text,
            tokens=len(segment.token_ids),
            work_s=segment.work_s,
            wall_clock_s=segment.wall_clock_s,
            container_s=segment.container_s,
            gap_s=segment.gap_s,
            dropped=segment.dropped,
            latency_s=segment.latency_s,
            model=model,
        )


SourceEvent = SourceStatus | RoundStarted | TokenSpoken | RoundEnded


def event_of(happening: Chunk | TokenEvent | Segment, name: str) -> SourceEvent:
    """An item from the loop, as an event of the source called `name`."""
    match happening:
        case Chunk():
            return RoundStarted.of(happening, name)
        case TokenEvent():
            return TokenSpoken.of(happening, name)
        case Segment():
            return RoundEnded.of(happening, name)


_KINDS: Final[dict[str, type[SourceEvent]]] = {
    "source": SourceStatus,
    "round_started": RoundStarted,
    "token": TokenSpoken,
    "round_ended": RoundEnded,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def to_json(event: SourceEvent) -> str:
    """The event as one line of ASCII, without a line end; ``event`` says which kind it is."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}, allow_nan=False)


def from_json(text: str) -> SourceEvent:
    """Parse an event written by `to_json`. Raises `ValueError` if it is not one."""
    values = json.loads(text)
    kind = _KINDS.get(str(values.pop("event", None))) if isinstance(values, dict) else None
    if kind is None:
        raise ValueError("it is no event")
    if unknown := values.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"an event has no {min(unknown)}")
    return _made(kind, values)


def _made(kind: type[SourceEvent], values: dict[str, Any]) -> SourceEvent:
    if kind is SourceStatus and "state" in values:
        values["state"] = State(values["state"])
    try:
        return kind(**values)
    except TypeError as error:  # a key is missing
        raise ValueError(f"an event is incomplete: {error}") from error


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
        case State.READING:
            return f"{status.name}: a recording"
        case State.ENDED:
            return f"{status.name}: ended"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
