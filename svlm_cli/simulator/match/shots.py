"""Shots and their outcomes: goal, held by the keeper, parried, missed.

A shot takes three beats. On the first it is in the box, where no pass goes; on the third it is over.
"""

from collections.abc import Iterator

import numpy as np

from svlm_cli.simulator.match import formation
from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.formation import Positions
from svlm_cli.simulator.match.game import Game, Stretch, feet, in_a_box, still
from svlm_cli.simulator.match.pitch import BEAT, BOX_DEPTH, CENTRE_Y, KEEPER_DEPTH, PER_TEAM, at_depth, depth_of
from svlm_cli.simulator.match.restarts import corner, goal_kick, kick_off

RANGE = BOX_DEPTH + 24  # shots are taken between here and the box
_BEHIND = -7  # depth of a ball in the net, or beside it
_TICKS = 3 * BEAT
_NET_TICKS, _BOARD_TICKS = 7, 33  # the board is shown from one second after the goal, for four
_OUTCOMES = (Kind.GOAL, Kind.SAVE, Kind.CORNER, Kind.MISS)
_CHANCES = (0.42, 0.22, 0.14, 0.22)


def shoot(game: Game) -> Iterator[Stretch] | None:
    """A shot, if the path to the goal is clear."""
    outcome = _OUTCOMES[game.rng.choice(len(_OUTCOMES), p=_CHANCES)]
    depth = depth_of(game.team, float(game.ball[0]))
    if not BOX_DEPTH < depth <= RANGE:
        return None
    near_side = 1.0 if game.ball[1] >= CENTRE_Y else -1.0
    for side in (near_side, -near_side):
        keeper, dive, target = _duel(game, outcome, side)
        ball = game.flight(target, _TICKS)
        if not in_a_box(ball[BEAT - 1 : BEAT]).all():
            continue
        touching = (game.holder, keeper) if outcome in {Kind.SAVE, Kind.CORNER} else (game.holder,)
        players = game.walk(ball, *touching, fixed={game.holder: game.positions[game.holder], keeper: dive})
        if players is not None:
            return _shot(game, outcome, keeper, players, ball)
    return None


def _duel(game: Game, outcome: Kind, side: float) -> tuple[int, Positions, Positions]:
    """The keeper, his final position, and the ball's."""
    team, keeper = game.team, PER_TEAM * (1 - game.team)
    if outcome is Kind.GOAL:
        to, dive = side * game.rng.uniform(6, 11), -side * 9
    elif outcome is Kind.MISS:
        to, dive = side * game.rng.uniform(20, 25), -side * 3
    else:
        to = dive = side * game.rng.uniform(0, 6 if outcome is Kind.CORNER else 11)
    end = np.asarray((at_depth(team, KEEPER_DEPTH), CENTRE_Y + dive))
    if outcome in {Kind.SAVE, Kind.CORNER}:
        return keeper, end, feet(keeper, end)
    return keeper, end, np.asarray((at_depth(team, _BEHIND), CENTRE_Y + to))


def _shot(game: Game, outcome: Kind, keeper: int, players: Positions, ball: Positions) -> Iterator[Stretch]:
    team = game.team
    shot = game.event(Kind.SHOT, team, BEAT)
    if outcome is Kind.GOAL:
        game.score[team] += 1
        yield game.stretch(players, ball, shot, game.event(Kind.GOAL, team, _TICKS))
        yield from _celebrate(game, team)
    elif outcome is Kind.MISS:
        yield game.stretch(players, ball, shot, game.event(Kind.MISS, team, _TICKS))
        yield from goal_kick(game, keeper)
    else:
        yield game.stretch(players, ball, shot, game.event(Kind.SAVE, 1 - team, _TICKS))
        game.holder, game.restarting = keeper, True
        if outcome is Kind.CORNER:
            yield _parry(game, team)
            yield from corner(game, team)


def _celebrate(game: Game, team: int) -> Iterator[Stretch]:
    """The ball lies in the net; after a second the board is shown; then the others kick off."""
    yield game.stretch(game.march(game.positions, _NET_TICKS), still(game.ball, _NET_TICKS))
    places = formation.kick_off(1 - team)
    yield game.stretch(game.march(places, _BOARD_TICKS), still(game.ball, _BOARD_TICKS), board=True)
    if not game.half_is_over:
        yield from kick_off(game, 1 - team, BEAT)


def _parry(game: Game, team: int) -> Stretch:
    """From the keeper over the goal line, towards the nearer corner."""
    side = 1.0 if game.ball[1] >= CENTRE_Y else -1.0
    ball = game.flight(np.asarray((at_depth(team, _BEHIND), CENTRE_Y + 34 * side)), 2 * BEAT)
    keeper = game.holder
    return game.stretch(game.make_way(ball, keeper, fixed={keeper: game.positions[keeper]}), ball)
