"""What a field player does with the ball: pass, dribble, lose it.

Each action checks whether it can be done clearly, does it, and returns its stretches, or None if it cannot: a moving
ball must be visible, away from all players, and never look like a shot.
"""

from collections.abc import Iterator

import numpy as np

from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.formation import Positions, reachable
from svlm_cli.simulator.match.game import Game, Stretch, behind, feet, in_a_box, on_beats, still
from svlm_cli.simulator.match.pitch import (
    BEAT,
    BOTTOM,
    BOX_DEPTH,
    CENTRE_X,
    CLEAR,
    LEFT,
    PER_TEAM,
    REACH,
    RIGHT,
    TOP,
    depth_of,
    direction,
)
from svlm_cli.simulator.match.restarts import throw_in

_SHORTEST, _LONG = 44, 80  # length of a pass in pixels; a long one takes an extra beat
_SIDEWAYS = 12  # minimum forward or backward distance of a pass
_AWAY = 16  # distance from the ball for an opponent who is not at it yet


def pass_to_a_mate(game: Game) -> Iterator[Stretch] | None:
    """A pass that reaches a teammate."""
    wanted = game.wanted()
    for receiver in game.mates():
        end = reachable(game.positions[receiver], wanted[receiver], 2 * BEAT)
        target = feet(receiver, end)
        length = np.linalg.norm(target - game.ball)
        ahead = (target[0] - game.ball[0]) * direction(game.team)
        ticks = (2 if length < _LONG else 3) * BEAT
        ball = game.flight(target, ticks)
        # A keeper's long ball may leave his own box before the first beat.
        loose = on_beats(ball) if game.holder % PER_TEAM == 0 else ball
        if length < _SHORTEST or abs(ahead) < _SIDEWAYS or in_a_box(loose).any():
            continue
        here = {game.holder: game.positions[game.holder], receiver: end}
        players = game.walk(ball, game.holder, receiver, fixed=here)
        if players is not None and _is_loose(players, ball):
            event = game.event(Kind.PASS, game.team, ticks, forward=bool(ahead > 0))
            game.holder, game.restarting = receiver, False
            return iter([game.stretch(players, ball, event)])
    return None


def dribble(game: Game) -> Iterator[Stretch] | None:
    """A run with the ball, visible after one beat."""
    ticks = int(game.rng.choice((3, 4))) * BEAT
    length = 4 * ticks
    if depth_of(game.team, float(game.ball[0])) - length < BOX_DEPTH + 4:
        return None
    start = game.positions[game.holder]
    across = min(max(game.rng.normal(0, 12), TOP + 12 - start[1]), BOTTOM - 12 - start[1])
    step = np.asarray((direction(game.team) * length, across))
    run = start + step * (np.arange(1, ticks + 1) / ticks)[:, None]
    ball = feet(game.holder, run)
    players = game.walk(ball, game.holder, fixed={game.holder: run})
    if players is None:
        return None
    return iter([game.stretch(players, ball, game.event(Kind.DRIBBLE, game.team, BEAT))])


def tackle(game: Game) -> Iterator[Stretch] | None:
    """An opponent reaches the ball from the other side; the player who had it backs off."""
    ticks = 2 * BEAT
    end = game.ball + np.asarray((REACH * direction(game.team), 0.0))
    rivals = game.rivals_near(end, 40)
    if not rivals or not LEFT + 30 < end[0] < RIGHT - 30:
        return None
    loser, winner = game.holder, rivals[0]
    back = still(game.positions[loser], ticks)
    back[BEAT:, 0] -= direction(game.team) * np.arange(1, BEAT + 1) * 3.0
    ball = still(game.ball, ticks)
    players = game.walk(ball, loser, winner, fixed={loser: back, winner: end})
    if players is None or np.linalg.norm(players[BEAT - 1, winner] - game.ball) < _AWAY:
        return None
    return _lost(game, winner, players, ball)


def misplaced_pass(game: Game) -> Iterator[Stretch] | None:
    """A pass that an opponent intercepts."""
    rival_team = 1 - game.team
    for receiver in game.mates():
        way = game.positions[receiver] - game.ball
        ball = game.flight(game.ball + way * game.rng.uniform(0.6, 0.8), 2 * BEAT)
        end = behind(rival_team, ball[-1])
        rivals = game.rivals_near(end, 34)
        if np.linalg.norm(ball[-1] - game.ball) < _SHORTEST or not rivals or in_a_box(ball).any():
            continue
        winner = rivals[0]
        here = {game.holder: game.positions[game.holder], winner: end}
        players = game.walk(ball, game.holder, winner, fixed=here)
        if players is not None and _is_loose(players, ball):
            return _lost(game, winner, players, ball)
    return None


def pass_into_touch(game: Game) -> Iterator[Stretch] | None:
    """A pass over the touchline, followed by the other team's throw-in."""
    x = game.ball[0] + game.rng.uniform(-36, 36)
    y = TOP - 5 if game.rng.random() < 0.5 else BOTTOM + 5
    ball = game.flight(np.asarray((x, y)), 2 * BEAT)
    # Not where the ball is put at half-time, and not so near a goal that it looks like a corner.
    if abs(x - CENTRE_X) < 28 or not LEFT + 36 < x < RIGHT - 36 or in_a_box(ball).any():
        return None
    players = game.walk(ball, game.holder, fixed={game.holder: game.positions[game.holder]})
    return None if players is None or not _is_loose(players, ball) else throw_in(game, game.stretch(players, ball))


def _is_loose(players: Positions, ball: Positions) -> bool:
    """Whether, on beats, no player seems to have the moving ball."""
    distance = np.linalg.norm(players - ball[:, None], axis=2)[BEAT - 1 : -BEAT : BEAT]
    return bool((distance >= CLEAR).all())


def _lost(game: Game, winner: int, players: Positions, ball: Positions) -> Iterator[Stretch]:
    event = game.event(Kind.INTERCEPTION, 1 - game.team, len(ball))
    game.holder = winner
    return iter([game.stretch(players, ball, event)])
