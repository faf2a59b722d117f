"""What a viewer of a match knows at a moment: events, who has the ball and where, the scoreboard.

Moments are whole seconds. A fact at a moment has been true for the whole second before it, so it does not matter
whether the picture of that very moment is seen. Knows no question.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from copy import copy
from operator import attrgetter
from typing import Final, Self

import numpy as np

from svlm_cli.simulator.match.commentary import SCORE_KINDS, ball_state
from svlm_cli.simulator.match.events import Event, Kind, Score
from svlm_cli.simulator.match.match import Match
from svlm_cli.simulator.match.pitch import CENTRE_X, CENTRE_Y, CLEAR, PER_TEAM
from svlm_cli.simulator.match.teams import Team

_BEATS: Final = 2  # per second: more pictures show nothing new
_OFF_CENTRE: Final = 12  # in pixels: closer to a centre line, the ball's side is unclear
_SETTLED_S: Final = 2  # after a kick-off, to be sure which game is meant
_time = attrgetter("time_s")


class Facts:
    """The first `seconds` of a match."""

    def __init__(self, match: Match, seconds: int) -> None:
        self.names, self.kits = _names_and_kits(match.teams)
        self.seconds = seconds
        self.events = match.events(0, seconds)
        self._turns = self.between(0, seconds, Kind.KICK_OFF, *SCORE_KINDS)
        self._scenes = match.scenes(np.arange(seconds * _BEATS) / _BEATS)
        away_px = np.linalg.norm(self._scenes.players - self._scenes.ball[:, None], axis=2)  # [T, 8]
        nearest = away_px.reshape(-1, 2, PER_TEAM).min(axis=2)  # [T, 2]
        pairs = zip(self._scenes.ball, nearest.min(axis=1).tolist(), strict=True)
        self._states = [ball_state(ball, distance) for ball, distance in pairs]
        self._nearest = nearest

    def of_teams(self, teams: tuple[Team, Team]) -> Self:
        """The same match with other teams."""
        other = copy(self)
        other.names, other.kits = _names_and_kits(teams)
        return other

    def between(self, start_s: float, end_s: float, *kinds: Kind) -> tuple[Event, ...]:
        """Events of these kinds with start <= time <= end."""
        first, last = bisect_left(self.events, start_s, key=_time), bisect_right(self.events, end_s, key=_time)
        return tuple(event for event in self.events[first:last] if event.kind in kinds)

    def holder(self, moment: int) -> int | None:
        """The team whose player has the ball at his feet, with no opponent near."""
        beats = self._lately(moment)
        if any(state != "held" for state in self._states[beats]):
            return None
        teams = set(self._nearest[beats].argmin(axis=1).tolist())
        clear = (self._nearest[beats].max(axis=1) >= CLEAR - 1).all()  # positions are rounded
        return int(teams.pop()) if clear and len(teams) == 1 else None

    def quarter(self, moment: int) -> tuple[str, str] | None:
        """The quarter of the pitch with the ball, as "upper" or "lower" and "left" or "right"."""
        beats = self._lately(moment)
        if any(state not in {"held", "loose"} for state in self._states[beats]):
            return None
        off = self._scenes.ball[beats] - (CENTRE_X, CENTRE_Y)
        sides = set(map(tuple, np.sign(off).tolist()))
        if (np.abs(off) < _OFF_CENTRE).any() or len(sides) != 1:
            return None
        x, y = sides.pop()
        return "upper" if y < 0 else "lower", "left" if x < 0 else "right"

    def board(self, moment: int) -> Score | None:
        """The score on the scoreboard."""
        beats = self._lately(moment)
        if not self._scenes.scoreboard[beats].all():
            return None
        home, away = self._scenes.score[beats][0].tolist()
        return home, away

    def in_play(self, moment: int) -> bool:
        """Whether the ball is in play, and the last kick-off some time ago."""
        turn = self._turns[bisect_right(self._turns, moment, key=_time) - 1]  # the first is the kick-off at 0 s
        settled = turn.kind is Kind.KICK_OFF and turn.time_s <= moment - _SETTLED_S
        return settled and all(state in {"held", "loose"} for state in self._states[self._lately(moment)])

    def score(self, moment: int) -> Score | None:
        """The score of the current game; None around a change."""
        if not self.in_play(moment) or self.between(moment, moment + _SETTLED_S, Kind.GOAL):
            return None
        return self._turns[bisect_right(self._turns, moment, key=_time) - 1].score

    def moments_in_play(self, start: int, end: int) -> Iterator[int]:
        """Moments from `start` to `end`, which may be outside the match, or before `start`."""
        step = 1 if start <= end else -1
        return (moment for moment in range(start, end + step, step) if self._is_seen(moment) and self.in_play(moment))

    def _is_seen(self, moment: int) -> bool:
        return 1 <= moment < self.seconds

    def _lately(self, moment: int) -> slice:
        """The pictures of the second before a moment, and that of the moment."""
        assert self._is_seen(moment), "it is a moment of the match"
        return slice((moment - 1) * _BEATS, moment * _BEATS + 1)


def _names_and_kits(teams: tuple[Team, Team]) -> tuple[tuple[str, str], tuple[str, str]]:
    home, away = teams
    return (home.name, away.name), (home.kit, away.kit)
