"""Where players want to be, and how they get there. Knows no rules of the game and no events.

All positions are float arrays ``[8, 2]`` (x, y) in pixels, home team first, keepers at 0 and 4.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.match.pitch import (
    BEAT,
    BOTTOM,
    BOX_DEPTH,
    CENTRE_X,
    CENTRE_Y,
    CLEAR,
    KEEPER_DEPTH,
    LEFT,
    NARROW,
    PER_TEAM,
    PLAYER_RADIUS,
    REACH,
    RIGHT,
    TOP,
    at_depth,
    depth_of,
)

Positions = NDArray[np.float64]

_SPEED: Final = 3.5  # in pixels per tick
_APART: Final = 20.0
_NOT_ONESELF: Final = np.eye(2 * PER_TEAM) * 1e3 + 1e-6
_EDGE_Y: Final = 11  # minimum distance of players from the touchlines
_KEEPERS: Final = (0, PER_TEAM)


def team_of(player: int) -> int:
    """0 or 1."""
    return player // PER_TEAM


def in_play(rng: np.random.Generator, holder: int, ball: Positions) -> Positions:
    """Where everyone wants to be while `holder` has the ball.

    One teammate is ahead and one behind, on different flanks; two opponents are goal-side of these, and one faces the
    ball.
    """
    team = team_of(holder)
    depth = depth_of(team, float(ball[0]))
    mates = [player for player in _field(team) if player != holder]
    places = _round_the_box(rng, float(ball[1])) if depth < BOX_DEPTH / 2 else _about(rng, depth, float(ball[1]))
    wanted = np.zeros((2 * PER_TEAM, 2))  # depths first, converted to x below
    wanted[holder] = depth, ball[1]
    wanted[rng.permutation(mates)] = places[: len(mates)]  # a keeper has three
    wanted[rng.permutation(_field(1 - team))] = places[3:]
    wanted[:, 0] = [at_depth(team, min(max(each, 26), 162)) for each in wanted[:, 0]]
    wanted[holder, 0] = ball[0]
    for keeper in _KEEPERS:
        line = at_depth(1 - team_of(keeper), KEEPER_DEPTH)
        wanted[keeper] = line, CENTRE_Y + min(max((ball[1] - CENTRE_Y) * 0.2, -6), 6)
    return wanted


def _about(rng: np.random.Generator, depth: float, y: float) -> Positions:
    """Places ``[6, 2]``, depth and y, around the ball: teammates ahead, behind and across; opponents marking them."""
    side, facing_side = rng.choice((-1.0, 1.0), 2)
    ahead = min(max(depth - rng.uniform(46, 74), 56), 150)
    back = max(depth + rng.uniform(34, 58), 72)
    flank, back_flank = side * rng.uniform(8, 26), -side * rng.uniform(6, 26)
    return np.asarray((
        (ahead, CENTRE_Y + flank),
        (back, CENTRE_Y + back_flank),
        (ahead + 12, CENTRE_Y - flank),
        (max(depth - 30, 30), y + facing_side * rng.uniform(10, 22)),
        (ahead - 24, CENTRE_Y + flank + rng.normal(0, 8)),
        (back - 26, CENTRE_Y + back_flank + rng.normal(0, 14)),
    ))  # fmt: skip


def _round_the_box(rng: np.random.Generator, y: float) -> Positions:
    """As `_about`, in a corner: two are on its flank, where a pass avoids the box; the others are in the middle."""
    flank = 1.0 if y > CENTRE_Y else -1.0
    near, far = rng.uniform(62, 76), rng.uniform(88, 110)
    return np.asarray((
        (near, CENTRE_Y + flank * 25),
        (far, CENTRE_Y + flank * rng.uniform(18, 25)),
        (far, CENTRE_Y),
        (30, CENTRE_Y + flank * rng.uniform(-8, 8)),
        (near - 6, CENTRE_Y - flank * rng.uniform(0, 14)),
        (far - 6, CENTRE_Y - flank * rng.uniform(0, 14)),
    ))  # fmt: skip


def _field(team: int) -> list[int]:
    return [PER_TEAM * team + k for k in range(1, PER_TEAM)]


def kick_off(team: int) -> Positions:
    """Everyone in their own half; player 1 of `team` goes to the ball."""
    own = np.asarray([(22.0, 66.0), (70.0, 66.0), (84.0, 44.0), (84.0, 88.0)])
    wanted = np.concatenate([own, (2 * CENTRE_X, 0) + own * (-1, 1)])
    wanted[PER_TEAM * team + 1] = (CENTRE_X - 8 if team == 0 else CENTRE_X + 8), CENTRE_Y
    return wanted


def half_time_lines() -> Positions:
    """The teams face each other across the halfway line, in two columns."""
    column = np.asarray([(88.0, 42.0 + 16 * k) for k in range(PER_TEAM)])
    return np.concatenate([column, column + np.asarray((48, 0))])


def full_time_lines() -> Positions:
    """The teams face each other in two rows."""
    row = np.asarray([(70.0 + 28 * k, 54.0) for k in range(PER_TEAM)])
    return np.concatenate([row, row + np.asarray((0, 30))])


def reachable(start: Positions, wanted: Positions, ticks: int) -> Positions:
    """How far players ``[..., 2]`` get in `ticks`."""
    step = wanted - start
    length = np.maximum(np.linalg.norm(step, axis=-1, keepdims=True), 1e-9)
    return np.asarray(start + step * np.minimum(1.0, _SPEED * ticks / length))


def paths(
    start: Positions,
    wanted: Positions,
    *,
    fixed: Mapping[int, Positions],
    ball: Positions,
    touching: frozenset[int],
) -> Positions | None:
    """Everyone's next n positions ``[n, 8, 2]``; None if someone would be in the ball's way.

    Players go straight to where they want to be, as far as their speed allows; `fixed` gives the exact end ``[2]`` or
    path ``[n, 2]`` of some. All but those `touching` it keep away from `ball` ``[n, 2]``: a player who would come too
    close stays where he is.
    """
    ticks = len(ball)
    ends = _spread(reachable(start, wanted, ticks))
    for player, path in fixed.items():
        ends[player] = path if path.ndim == 1 else path[-1]
    share = (np.arange(1, ticks + 1) / ticks)[:, None, None]
    walked = start + (ends - start) * share
    for player, path in fixed.items():
        if path.ndim == 2:
            walked[:, player] = path
    others = [player for player in range(2 * PER_TEAM) if player not in touching]
    moving = [player for player in others if player not in fixed]
    hides = _hides(walked, ball, touching)
    walked[:, moving] = np.where(hides[moving, None], start[moving], walked[:, moving])
    return None if _hides(walked, ball, touching)[others].any() else walked


def _hides(walked: Positions, ball: Positions, touching: frozenset[int]) -> NDArray[np.bool_]:
    """For each player, whether he is too close to the ball (with a stricter limit on beats), or covers its holder."""
    far = np.linalg.norm(walked - ball[:, None], axis=2)  # [n, 8]
    hides = (far < NARROW).any(axis=0) | (far[BEAT - 1 :: BEAT] < CLEAR).any(axis=0)
    for player in touching:
        with_ball = np.flatnonzero(far[:, player] < REACH + 1)
        with_ball = with_ball[with_ball % BEAT == BEAT - 1]
        apart = np.linalg.norm(walked[with_ball] - walked[with_ball, player, None], axis=2)
        hides |= (apart < 2 * PLAYER_RADIUS + 1).any(axis=0)
    return np.asarray(hides)


def _spread(wanted: Positions) -> Positions:
    """Keep players apart from each other, and inside the pitch."""
    for _ in range(3):
        apart = wanted[:, None] - wanted[None]  # [8, 8, 2]
        distance = np.sqrt((apart**2).sum(axis=2)) + _NOT_ONESELF
        push = np.maximum(0.0, _APART - distance) / (2 * distance)
        shift = (apart * push[..., None]).sum(axis=1)
        shift[list(_KEEPERS)] = 0
        wanted = wanted + shift
    low, high = (LEFT + 8, TOP + _EDGE_Y), (RIGHT - 8, BOTTOM - _EDGE_Y)
    return np.asarray(np.minimum(np.maximum(wanted, low), high))
