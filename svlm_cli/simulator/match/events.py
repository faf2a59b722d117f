"""The events of a match, as in its log. Knows neither their causes nor how they look."""

from dataclasses import dataclass
from enum import StrEnum

Score = tuple[int, int]
"""Goals of the home team and of the away team."""


class Kind(StrEnum):
    """A kind of event."""

    KICK_OFF = "kick_off"
    PASS = "pass"
    INTERCEPTION = "interception"
    DRIBBLE = "dribble"
    SHOT = "shot"
    SAVE = "save"
    GOAL = "goal"
    MISS = "miss"
    CORNER = "corner"
    THROW_IN = "throw_in"
    HALF_TIME = "half_time"
    FULL_TIME = "full_time"


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `time_s`, a multiple of 0.5 s, is when a picture first shows it.

    `team` is 0 for the home team (named first in the context), 1 for the away team, None for a whistle; the keeper's
    for a save, the shooter's for a miss. `score` is that after the event. After FULL_TIME the next game starts at 0:0,
    but the event's own `score` is the final one.
    """

    time_s: float
    kind: Kind
    team: int | None
    score: Score
    forward: bool = False  # for a pass: towards the other team's goal
