"""What a log consists of: events and states, and where each thing could be seen. The words are those of hand labels.

Knows neither how they are found nor how they are told.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class EventKind(StrEnum):
    """States cover the footage: shot, camera, motion, number, light, medium. All others are events."""

    SHOT = "shot"  # what: start, cut, fade, cross-fade: how it begins
    CAMERA = "camera"  # what: still, shakes, pans left, ..., zooms in or out, follows, moves otherwise
    MOTION = "motion"  # what: nothing, little, some, much: apart from the camera's
    NUMBER = "number"  # what: 0 to 3, many: things that move
    LIGHT = "light"  # what: dark, normal, bright, flickers, changes
    MEDIUM = "medium"  # what: picture, frozen, black, test pattern
    WEATHER = "weather"  # what: rain, snow
    ENTERS = "enters"  # from a side, or in the middle: from behind something; over when it is in
    LEAVES = "leaves"
    SHOWN = "shown"  # by the camera: it comes into the picture but does not move itself
    LOST = "lost"
    HIDDEN = "hidden"  # behind something, for a while
    MOVES = "moves"  # in a direction: left, right, up, down, nearer, away, or about: on the spot
    STOPS = "stops"
    STARTS = "starts"


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """Something that a person at a monitor would write down."""

    kind: EventKind
    start_s: float
    end_s: float
    what: str = ""  # of states
    thing: int | None = None  # a number that no other thing of the footage has
    side: str = ""
    direction: str = ""
    place: str = ""  # at its start: left, middle or right, and top, middle or bottom
    size: str = ""  # small, middle or large
    speed: float = 0.0  # widths of the picture a second; of zooms, of the logarithm of the zoom


@dataclass(frozen=True, slots=True, eq=False)
class ThingTrack:
    """Where a thing could be seen."""

    thing: int
    times_s: NDArray[np.float64]  # [T]
    boxes: NDArray[np.float64]  # [T, 4] left, top, right, bottom, cut at the picture; widths from its middle
    seen: NDArray[np.float64]  # [T] which share of it


@dataclass(frozen=True, slots=True)
class FootageLog:
    """The truth about a stretch of footage."""

    events: tuple[SeenEvent, ...]  # by start; those that reach beyond the stretch are whole
    tracks: tuple[ThingTrack, ...]

    def of(self, kind: EventKind) -> tuple[SeenEvent, ...]:
        return tuple(event for event in self.events if event.kind is kind)
