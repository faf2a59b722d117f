"""Sizes of the world, in pixels and ticks. Does not know what happens in it.

The home team (0) always attacks to the right, the away team (1) to the left. *Depth* is the distance from the goal line
that a team attacks.
"""

from typing import Final

WIDTH: Final = 224
HEIGHT: Final = 112
TICKS_PER_SECOND: Final = 8
BEAT: Final = 4  # ticks: everything starts and ends on a multiple of 0.5 s, so that 2 fps miss nothing

STRIP_HEIGHT: Final = 20  # above the pitch, for the scoreboard
LEFT, RIGHT = 14, 210  # goal lines
TOP, BOTTOM = 30, 102  # touchlines
CENTRE_X, CENTRE_Y = 112, 66
MOUTH: Final = 14  # half the width of a goal
BOX_DEPTH, BOX_HALF = 44, 26  # a loose ball in here is a shot, so passes avoid it
PLAYER_RADIUS: Final = 6
BALL_RADIUS: Final = 4
REACH: Final = 8  # distance of a held ball in front of the player's centre
CLEAR: Final = 14  # minimum distance from all other players, on beats;
NARROW: Final = 10  # and in between

KEEPER_DEPTH: Final = 8  # of the goalkeeper, in the opponents' terms
PER_TEAM: Final = 4  # the first of them is the goalkeeper
MAX_SCORE: Final = 9  # a game ends with a team's ninth goal
HALF_S: Final = 300


def direction(team: int) -> int:
    """+1 if the team attacks to the right, else -1."""
    return 1 if team == 0 else -1


def at_depth(team: int, depth: float) -> float:
    """The x at this depth."""
    return RIGHT - depth if team == 0 else LEFT + depth


def depth_of(team: int, x: float) -> float:
    """The depth at this x."""
    return RIGHT - x if team == 0 else x - LEFT
