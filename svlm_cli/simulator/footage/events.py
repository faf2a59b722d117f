"""What a log consists of: events, states, and where each thing was visible. Hand labels use the same words.

Knows neither how they are found nor what is said about them.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class EventKind(StrEnum):
    """Shot, camera, motion, number, light and medium are states, which cover the footage. All others are events."""

    SHOT = "shot"  # how it begins; what: start, cut, fade, cross-fade
    CAMERA = "camera"  # what: still, shakes, pans left, ..., zooms in or out, follows, moves otherwise
    MOTION = "motion"  # apart from the camera's; what: nothing, little, some, much
    NUMBER = "number"  # of moving things; what: 0 to 3, many
    LIGHT = "light"  # what: dark, normal, bright, flickers, changes
    MEDIUM = "medium"  # what: picture, frozen, black, test pattern
    WEATHER = "weather"  # what: rain, snow
    ENTERS = "enters"  # from a side, or in the middle from behind something; ends when the thing is in
    LEAVES = "leaves"
    SHOWN = "shown"  # comes into the picture because the camera moves
    LOST = "lost"
    HIDDEN = "hidden"  # behind something, for a while
    MOVES = "moves"  # direction: left, right, up, down, nearer, away, or about (on the spot)
    STOPS = "stops"
    STARTS = "starts"


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """Something that a person who watches would write down."""

    kind: EventKind
    start_s: float
    end_s: float
    what: str = ""  # the state, see `EventKind`
    thing: int | None = None  # unique in the footage
    side: str = ""
    direction: str = ""
    place: str = ""  # at the start: left, middle or right, and top, middle or bottom
    size: str = ""  # small, middle or large
    speed: float = 0.0  # picture widths per second; for zooms, change of log zoom per second


@dataclass(frozen=True, slots=True, eq=False)
class ThingTrack:
    """Where a thing was visible."""

    thing: int
    times_s: NDArray[np.float64]  # [T]
    boxes: NDArray[np.float64]  # [T, 4] left, top, right, bottom, clipped to the picture; in widths from its middle
    seen: NDArray[np.float64]  # [T] its visible share


@dataclass(frozen=True, slots=True)
class FootageLog:
    """What is true of a stretch of footage."""

    events: tuple[SeenEvent, ...]  # by start; those that extend beyond the stretch are not cut
    tracks: tuple[ThingTrack, ...]

    def of(self, kind: EventKind) -> tuple[SeenEvent, ...]:
        return tuple(event for event in self.events if event.kind is kind)
