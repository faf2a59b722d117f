"""An endless match: two teams and a seed, which determine every moment and every event.

Stores what was played (``play.py`` decides it) and answers queries: the events in a time span, and the scenes, which
contain everything that pictures show. Knows neither pictures (``render.py``) nor words (``commentary.py``).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from svlm_cli.simulator.match.events import Event, Kind
from svlm_cli.simulator.match.game import Stretch
from svlm_cli.simulator.match.pitch import HEIGHT, TICKS_PER_SECOND, WIDTH
from svlm_cli.simulator.match.play import play
from svlm_cli.simulator.match.teams import KITS, Split, Team, context_of, draw_teams

__all__ = ["HEIGHT", "TICKS_PER_SECOND", "WIDTH", "Event", "Kind", "Match", "Scenes", "Split", "Team"]

_MARGIN = 1024  # in ticks
_time = attrgetter("time_s")


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Everything that the pictures of T moments show. Scenes of several matches can be concatenated."""

    players: NDArray[np.int32]  # [T, 8, 2] centres (x, y) in pixels; 0 to 3 are the home team
    ball: NDArray[np.int32]  # [T, 2] centre (x, y)
    kits: NDArray[np.int32]  # [T, 2] indices into `KITS`, home and away
    score: NDArray[np.int32]  # [T, 2] on the scoreboard, each 0 to 9; 0 if not shown
    scoreboard: NDArray[np.bool_]  # [T] whether it is shown

    def __len__(self) -> int:
        return len(self.ball)

    def take(self, moments: NDArray[np.int64]) -> "Scenes":
        """Some of the moments, in this order."""
        return Scenes(*(getattr(self, name)[moments] for name in self.__dataclass_fields__))

    @staticmethod
    def join(parts: "Sequence[Scenes]") -> "Scenes":
        """Concatenate the moments of all parts."""
        return Scenes(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Scenes)))


class Match:
    """An endless match. The same seed and split give the same match, in whatever order it is queried."""

    def __init__(self, seed: int, split: Split = Split.TRAIN, *, keep_s: float = 4 * 3600.0) -> None:
        """Anything more than `keep_s` before the newest moment may be forgotten; an hour takes at most 3 MB."""
        rng = np.random.default_rng([seed, split is Split.EVAL])
        self.seed = seed
        self.split = split
        self.teams = draw_teams(rng, split)
        self._stretches = play(rng)
        self._tape = _Tape(round(keep_s * TICKS_PER_SECOND))
        self._keep_s = keep_s
        self._events: list[Event] = []

    @property
    def context(self) -> str:
        """The context of captions: ``Match: red Falvon against white Torbek.``."""
        return context_of(self.teams)

    @property
    def played_s(self) -> float:
        """Everything up to this time is known."""
        return self._tape.end / TICKS_PER_SECOND

    def play(self, until_s: float) -> None:
        """Play on, at least until then. Queries do this themselves."""
        while self.played_s <= until_s:
            stretch = next(self._stretches)
            self._tape.append(stretch)
            self._events += stretch.events
        oldest_s = self._tape.begin / TICKS_PER_SECOND
        if self._events and self._events[0].time_s < oldest_s:
            del self._events[: bisect_left(self._events, oldest_s, key=_time)]

    def events(self, start_s: float, end_s: float) -> tuple[Event, ...]:
        """The events with start <= time < end, in order. Plays on if necessary. ValueError: forgotten."""
        self.play(end_s)
        self._refuse_forgotten(start_s)
        first, last = (bisect_left(self._events, time_s, key=_time) for time_s in (start_s, end_s))
        return tuple(self._events[first:last])

    def scenes(self, times_s: ArrayLike) -> Scenes:
        """The scenes at these times: the newest tick <= each. Plays on if necessary. ValueError: forgotten."""
        ticks = np.floor(np.asarray(times_s, np.float64) * TICKS_PER_SECOND + 1e-6).astype(np.int64).reshape(-1)
        if len(ticks):
            self.play(ticks.max() / TICKS_PER_SECOND)
            self._refuse_forgotten(ticks.min() / TICKS_PER_SECOND)
        kits = np.asarray([KITS.index(team.kit) for team in self.teams], np.int32)
        taken = self._tape.take(ticks).astype(np.int32)  # [T, 21]
        return Scenes(
            players=taken[:, :16].reshape(-1, 8, 2),
            ball=taken[:, 16:18],
            kits=np.broadcast_to(kits, (len(ticks), 2)),
            score=taken[:, 18:20],
            scoreboard=taken[:, 20] == 1,
        )

    def _refuse_forgotten(self, time_s: float) -> None:
        if time_s < max(0.0, self._tape.begin / TICKS_PER_SECOND):
            raise ValueError(f"{time_s} s is before the match, or was forgotten (keep_s = {self._keep_s}).")


class _Tape:
    """The last ticks, contiguous in memory: players, ball, score and whether it is shown."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._rows = np.zeros((_MARGIN, 21), np.int16)  # the first `_count` are in use
        self._count = 0
        self.begin = 0  # tick of the first row

    @property
    def end(self) -> int:
        return self.begin + self._count

    def append(self, stretch: Stretch) -> None:
        new = len(stretch.ball)
        if self._count + new > len(self._rows):
            kept = self._rows[max(0, self._count - self._keep) : self._count]
            self.begin += self._count - len(kept)
            self._rows = np.zeros((2 * len(kept) + new + _MARGIN, 21), np.int16)
            self._rows[: len(kept)] = kept
            self._count = len(kept)
        board = np.repeat(np.int16(stretch.shown is not None), new)[:, None]
        score = np.broadcast_to(np.asarray(stretch.shown or (0, 0), np.int16), (new, 2))
        rows = [stretch.players.reshape(new, 16), stretch.ball, score, board]
        self._rows[self._count : self._count + new] = np.concatenate(rows, axis=1)
        self._count += new

    def take(self, ticks: NDArray[np.int64]) -> NDArray[np.int16]:
        return self._rows[: self._count][ticks - self.begin]
