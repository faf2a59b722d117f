"""The course of the game: an endless sequence of stretches, each some beats long.

Actions are tried at random; those that would not be clearly visible are skipped. Events are at least a second apart.
Knows neither pictures nor words.
"""

from collections.abc import Callable, Iterator

import numpy as np

from svlm_cli.simulator.match.actions import dribble, misplaced_pass, pass_into_touch, pass_to_a_mate, tackle
from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.game import Game, Stretch
from svlm_cli.simulator.match.pitch import BEAT, BOX_DEPTH, HALF_S, MAX_SCORE, TICKS_PER_SECOND, depth_of
from svlm_cli.simulator.match.restarts import kick_off, whistle
from svlm_cli.simulator.match.shots import RANGE, shoot

_Action = Callable[[Game], Iterator[Stretch] | None]

_HOLDS_BEATS = (2, 2, 3)
_SHOOT = 0.85  # probability of a shot where one is possible; of the rest, what is tried first:
_FIRST: tuple[tuple[float, _Action], ...] = (
    (0.16, tackle),
    (0.24, dribble),
    (0.18, misplaced_pass),
    (0.06, pass_into_touch),
)


def play(rng: np.random.Generator) -> Iterator[Stretch]:
    """Games without end. The first stretch is tick 0 alone."""
    game = Game(rng)
    first, ticks = int(rng.integers(2)), 1
    while True:
        game.score = [0, 0]
        for half in range(2):
            game.half_end = game.tick + HALF_S * TICKS_PER_SECOND
            yield from kick_off(game, first if half == 0 else 1 - first, ticks)
            ticks = 4 * BEAT
            while not game.half_is_over:
                yield from _act(game)
            if half == 1 or max(game.score) == MAX_SCORE:
                break
            yield from whistle(game, Kind.HALF_TIME)
        yield from whistle(game, Kind.FULL_TIME)


def _act(game: Game) -> Iterator[Stretch]:
    yield from game.hold(int(game.rng.choice(_HOLDS_BEATS)) * BEAT)
    for action in _choices(game):
        done = action(game)
        if done is not None:
            yield from done
            return


def _choices(game: Game) -> Iterator[_Action]:
    """Actions to try in order; if none is possible, the ball is held."""
    if not game.restarting:
        if BOX_DEPTH < depth_of(game.team, float(game.ball[0])) <= RANGE and game.rng.random() < _SHOOT:
            yield shoot
        chance = game.rng.random()
        for share, action in _FIRST:
            if 0 <= chance < share:
                yield action
            chance -= share
    yield from [pass_to_a_mate] * 4
    if not game.restarting:
        yield dribble
