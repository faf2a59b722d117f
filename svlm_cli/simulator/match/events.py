"""What can happen in a match, as its log tells it. Knows neither why nor how it looks."""

from dataclasses import dataclass
from enum import StrEnum

Score = tuple[int, int]
"""Goals of the home team and of the other."""


class Kind(StrEnum):
    """What happens in a match."""

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
    """Something that happened: `time_s`, a multiple of half a second, is when a picture first shows it.

    `team` is 0 for the home team (the first of the context), 1 for the other, None for a whistle; a save's is the
    keeper's, a miss's the shooter's. `score` is that after the event. After FULL_TIME the next game begins at 0:0, but
    its own `score` is the final one.
    """

    time_s: float
    kind: Kind
    team: int | None
    score: Score
    forward: bool = False  # of a pass: towards the other team's goal
