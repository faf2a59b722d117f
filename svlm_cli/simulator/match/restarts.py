"""How the game restarts: kick-off, throw-in, corner, goal kick, and the two whistles.

The taker arrives at the ball in the last half second, so that no one seems to have it before. Does not know why the
game stopped.
"""

from collections.abc import Iterator

import numpy as np

from svlm_cli.simulator.match import formation
from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.formation import Positions
from svlm_cli.simulator.match.game import OFF_THE_PITCH, Game, Stretch, behind, feet, still
from svlm_cli.simulator.match.pitch import (
    BEAT,
    BOTTOM,
    CENTRE_X,
    CENTRE_Y,
    KEEPER_DEPTH,
    PER_TEAM,
    TOP,
    at_depth,
)

_LINE_UP_TICKS, _LINED_UP_TICKS = 16, 24


def kick_off(game: Game, team: int, ticks: int) -> Iterator[Stretch]:
    """Everyone takes his place; at the end the ball is at the centre, at a player's feet."""
    players = game.march(formation.kick_off(team), ticks)
    ball = still(game.ball, ticks)
    ball[-1] = CENTRE_X, CENTRE_Y
    _put_down(game, PER_TEAM * team + 1)
    yield game.stretch(players, ball, game.event(Kind.KICK_OFF, team, ticks))


def whistle(game: Game, kind: Kind) -> Iterator[Stretch]:
    """The ball is put aside, and the teams line up: in columns at half-time, in rows at full time."""
    lines = formation.half_time_lines() if kind is Kind.HALF_TIME else formation.full_time_lines()
    players = game.march(lines, _LINE_UP_TICKS)
    event = game.event(kind, None, _LINE_UP_TICKS)
    yield game.stretch(players, still(np.asarray(OFF_THE_PITCH), _LINE_UP_TICKS), event)
    ball = still(game.ball, _LINED_UP_TICKS)
    yield game.stretch(game.march(game.positions, _LINED_UP_TICKS), ball)


def throw_in(game: Game, out: Stretch) -> Iterator[Stretch]:
    """`out` is how the ball left the pitch. The other team's nearest player takes it at the line."""
    yield out
    team = 1 - game.team
    line = TOP if game.ball[1] < CENTRE_Y else BOTTOM
    thrower = game.rivals_near(game.ball, 1e3)[0]
    game.holder = thrower
    yield from _take(game, thrower, np.asarray((game.ball[0], float(line))), Kind.THROW_IN, team)


def corner(game: Game, team: int) -> Iterator[Stretch]:
    """The ball is behind the goal line; `team` takes it at the corner."""
    line = TOP if game.ball[1] < CENTRE_Y else BOTTOM
    place = np.asarray((at_depth(team, 0), float(line)))
    field = [PER_TEAM * team + k for k in range(1, PER_TEAM)]
    taker = min(field, key=lambda player: float(np.linalg.norm(game.positions[player] - place)))
    game.holder = taker
    yield from _take(game, taker, place, Kind.CORNER, team)


def goal_kick(game: Game, keeper: int) -> Iterator[Stretch]:
    """The ball is behind the goal line; the keeper gets it at his feet. Too minor to be told."""
    ticks = 3 * BEAT
    end = np.asarray((at_depth(1 - keeper // PER_TEAM, KEEPER_DEPTH), float(CENTRE_Y)))
    ball = still(game.ball, ticks)
    ball[-1] = feet(keeper, end)
    _put_down(game, keeper)
    yield game.stretch(game.make_way(ball, keeper, fixed={keeper: end}), ball)


def _take(game: Game, taker: int, place: Positions, kind: Kind, team: int) -> Iterator[Stretch]:
    far, near = 3 * BEAT, BEAT
    end = behind(team, place)
    waiting = np.asarray((end[0], CENTRE_Y + np.sign(end[1] - CENTRE_Y) * 14))
    path = np.concatenate(
        [
            _straight(game.positions[taker], waiting, far),
            _straight(waiting, end, near),
        ]
    )
    ball = still(game.ball, far + near)
    ball[-1] = place
    _put_down(game, taker)
    players = game.make_way(ball, taker, fixed={taker: path})
    yield game.stretch(players, ball, game.event(kind, team, far + near))


def _straight(start: Positions, end: Positions, ticks: int) -> Positions:
    return start + (end - start) * (np.arange(1, ticks + 1) / ticks)[:, None]


def _put_down(game: Game, player: int) -> None:
    game.holder, game.restarting = player, True
