"""Sizes of the world, in pixels of the picture and ticks of its clock. Knows nothing of what happens in it.

The home team (0) attacks to the right, the other (1) to the left, always. *Depth* is the distance from the goal line
that a team attacks.
"""

from typing import Final

WIDTH: Final = 224
HEIGHT: Final = 112
TICKS_PER_SECOND: Final = 8
BEAT: Final = 4  # ticks: whatever begins or ends does so on a half second, so that 2 pictures a second miss nothing

STRIP_HEIGHT: Final = 20  # above the pitch, for the scoreboard
LEFT, RIGHT = 14, 210  # goal lines
TOP, BOTTOM = 30, 102  # touchlines
CENTRE_X, CENTRE_Y = 112, 66
MOUTH: Final = 14  # half a goal's width
BOX_DEPTH, BOX_HALF = 44, 26  # a loose ball in here is a shot: passes stay out
PLAYER_RADIUS: Final = 6
BALL_RADIUS: Final = 4
REACH: Final = 8  # a ball at somebody's feet lies so far in front of the player's centre
CLEAR: Final = 14  # and so far at least from everybody else's, on a beat;
NARROW: Final = 10  # so far always

KEEPER_DEPTH: Final = 8  # of the goalkeeper, seen by the others
PER_TEAM: Final = 4  # the first of them keeps the goal
MAX_SCORE: Final = 9  # a game ends with a team's ninth goal
HALF_S: Final = 300


def direction(team: int) -> int:
    """+1: attacks to the right."""
    return 1 if team == 0 else -1


def at_depth(team: int, depth: float) -> float:
    """The x of a depth."""
    return RIGHT - depth if team == 0 else LEFT + depth


def depth_of(team: int, x: float) -> float:
    """The depth of an x."""
    return RIGHT - x if team == 0 else x - LEFT
