"""The state of play, and its advance in ticks. Knows positions; other modules decide what players do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.match import formation
from svlm_cli.simulator.match.events import Event, Kind
from svlm_cli.simulator.match.formation import Positions, team_of
from svlm_cli.simulator.match.pitch import (
    BEAT,
    BOX_DEPTH,
    BOX_HALF,
    CENTRE_X,
    CENTRE_Y,
    LEFT,
    MAX_SCORE,
    PER_TEAM,
    REACH,
    RIGHT,
    TICKS_PER_SECOND,
    TOP,
    direction,
)

OFF_THE_PITCH: Final = (float(CENTRE_X), float(TOP - 5))  # where the ball is put while play is stopped
_TRIES: Final = 400


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Some ticks of play, with their events."""

    players: NDArray[np.int16]  # [n, 8, 2]
    ball: NDArray[np.int16]  # [n, 2]
    shown: tuple[int, int] | None  # the score, while the board is shown
    events: tuple[Event, ...]


class Game:
    """Positions, ball possession, clock and score."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tick = -1  # the last tick played
        self.half_end = 0
        self.score = [0, 0]
        self.positions: Positions = formation.kick_off(0)
        self.ball: Positions = np.asarray(OFF_THE_PITCH)
        self.holder = 1
        self.restarting = True  # the ball was just placed, so a pass comes next

    @property
    def team(self) -> int:
        """The team that has the ball."""
        return team_of(self.holder)

    @property
    def half_is_over(self) -> bool:
        return self.tick >= self.half_end or max(self.score) == MAX_SCORE

    def mates(self) -> list[int]:
        """Players whom the holder may pass to, in random order: not the keeper, not himself."""
        field = [PER_TEAM * self.team + k for k in range(1, PER_TEAM)]
        return [int(mate) for mate in self.rng.permutation(field) if mate != self.holder]

    def rivals_near(self, point: Positions, distance: float) -> list[int]:
        """Opposing field players within `distance` of a point, the nearest first."""
        far = np.linalg.norm(self.positions - point, axis=1)
        rivals = [PER_TEAM * (1 - self.team) + k for k in range(1, PER_TEAM)]
        return sorted((rival for rival in rivals if far[rival] <= distance), key=lambda rival: float(far[rival]))

    def wanted(self) -> Positions:
        """Where everyone wants to be now."""
        return formation.in_play(self.rng, self.holder, self.ball)

    def flight(self, target: Positions, ticks: int) -> Positions:
        """A straight path of the ball ``[n, 2]``."""
        return self.ball + (target - self.ball) * (np.arange(1, ticks + 1) / ticks)[:, None]

    def walk(self, ball: Positions, *touching: int, fixed: Mapping[int, Positions]) -> Positions | None:
        """Everyone's path while the ball takes this one; None if someone is in its way (see `formation.paths`)."""
        return formation.paths(self.positions, self.wanted(), fixed=fixed, ball=ball, touching=frozenset(touching))

    def make_way(self, ball: Positions, *touching: int, fixed: Mapping[int, Positions]) -> Positions:
        """As `walk`, repeated until no one is in the way."""
        for _ in range(_TRIES):
            players = self.walk(ball, *touching, fixed=fixed)
            if players is not None:
                return players
        raise AssertionError("somebody stands where the ball is to be, and cannot leave")

    def march(self, wanted: Positions, ticks: int) -> Positions:
        """Move everyone where he is wanted, whatever the distance, while the ball is away."""
        share = (np.arange(1, ticks + 1) / ticks)[:, None, None]
        return self.positions + (wanted - self.positions) * share

    def event(self, kind: Kind, team: int | None, after_ticks: int, *, forward: bool = False) -> Event:
        """An event `after_ticks` from now."""
        time_s = (self.tick + after_ticks) / TICKS_PER_SECOND
        return Event(time_s, kind, team, (self.score[0], self.score[1]), forward)

    def stretch(self, players: Positions, ball: Positions, *events: Event, board: bool = False) -> Stretch:
        """Advance time: players and ball are moved to the end of these paths."""
        self.tick += len(ball)
        self.positions, self.ball = players[-1], ball[-1]
        shown = (self.score[0], self.score[1]) if board else None
        return Stretch(np.rint(players).astype(np.int16), np.rint(ball).astype(np.int16), shown, events)

    def hold(self, ticks: int) -> Iterator[Stretch]:
        """The holder waits with the ball."""
        ball = still(self.ball, ticks)
        yield self.stretch(self.make_way(ball, self.holder, fixed={self.holder: self.positions[self.holder]}), ball)


def still(place: Positions, ticks: int) -> Positions:
    """The path ``[n, 2]`` of something that does not move."""
    return np.repeat(np.asarray(place, np.float64)[None], ticks, axis=0)


def feet(player: int, position: Positions) -> Positions:
    """The ball's position at the feet of this player."""
    ahead: Positions = np.asarray((REACH * direction(team_of(player)), 0.0))
    return position + ahead


def behind(team: int, ball: Positions) -> Positions:
    """The position of a player of `team` who has the ball at `ball`."""
    return feet(PER_TEAM * (1 - team), ball)


def in_a_box(ball: Positions) -> NDArray[np.bool_]:
    """For each position ``[n, 2]``, whether a loose ball there looks like a shot."""
    x, y = np.rint(ball).T  # rounded as in drawing
    return np.asarray((np.minimum(x - LEFT, RIGHT - x) <= BOX_DEPTH) & (np.abs(y - CENTRE_Y) <= BOX_HALF))


def on_beats(path: Positions) -> Positions:
    """The positions of a path on beats, without its end."""
    return path[BEAT - 1 :: BEAT][: len(path) // BEAT - 1]
