"""What each thing of a shot does, as a person would note it: found from its path and from what is visible of it.

Knows one thing at a time; neither the camera's states nor other things.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage import noting
from svlm_cli.simulator.footage.events import EventKind, SeenEvent
from svlm_cli.simulator.footage.scenes import ASPECT
from svlm_cli.simulator.footage.sight import Sight
from svlm_cli.simulator.footage.states import held, runs, spans

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LASTS: Final = round(noting.LASTS_S / noting.TICK_S)
_AROUND: Final = round(1.5 / noting.TICK_S)  # ticks that a thing usually takes to enter or leave
_SIDES: Final = ("left", "top", "right", "bottom")
_OUT: Final = {"left": (0, -1), "top": (1, -1), "right": (0, 1), "bottom": (1, 1)}  # axis and sign


@dataclass(frozen=True, slots=True, eq=False)
class Doing:
    """One thing over the ticks of a shot."""

    thing: int
    start_s: float  # when the shot starts
    sight: Sight
    velocity: Floats  # [T, 2] its own, without the camera's: picture widths per second, right and down
    growth: Floats  # [T] change of the log of its height per second, without the camera's zoom
    window: tuple[float, float, float, float]  # left, top, right and bottom of the picture
    frozen: Flags  # [T] whether the picture is frozen

    def plainness(self) -> Floats:
        """``[T]``: how clearly a person can see it, by its visible share or by the area that it covers."""
        tall = (self.sight.boxes[:, 3] - self.sight.boxes[:, 1]) / ASPECT
        plain: Floats = np.maximum(self.sight.seen, noting.SEEN * self.covers() / noting.COVERS)
        return plain * (tall >= noting.SHORTEST)

    def noted(self) -> Flags:
        """``[T]``: whether a person notices it."""
        return held(self.plainness(), noting.SEEN, noting.GONE)

    def travels(self) -> Flags:
        """``[T]``: whether it changes its place or its size, even while the picture is frozen."""
        way = np.hypot(*self.velocity.T)
        nearing = np.abs(self.growth) * noting.MOVES / noting.NEARS
        return held(np.maximum(way, nearing), noting.MOVES, noting.RESTS)

    def stirs(self) -> Flags:
        """``[T]``: whether it moves on the spot."""
        window = round(1.0 / noting.TICK_S)  # a mean, because limbs rest for a moment at each turning point
        padded = np.pad(self.sight.stirring, window // 2, mode="edge")
        mean = np.convolve(padded, np.full(window + 1, 1 / (window + 1)), mode="valid")[: len(self.sight.stirring)]
        return held(mean, noting.STIRS, noting.STIRS / 2)

    def moves(self) -> Flags:
        """``[T]``: whether a person can see it move."""
        return self.noted() & (self.travels() | self.stirs()) & ~self.frozen

    def covers(self) -> Floats:
        """``[T]``: the approximate share of the picture that it covers."""
        left, top, right, bottom = self.sight.boxes.T
        whole = (self.window[2] - self.window[0]) * (self.window[3] - self.window[1])
        share = self.sight.seen / np.maximum(self.sight.within, 0.01)
        covered: Floats = 0.6 * (right - left) * (bottom - top) * np.clip(share, 0, 1) / whole
        return covered

    def events(self) -> list[SeenEvent]:
        """Everything that it does."""
        there = [(begin, end) for begin, end in runs(self.noted()) if end - begin >= _LASTS]
        away_s = [math.inf, *(self._away_s(end, begin) for (_, end), (begin, _) in pairwise(there)), math.inf]
        events: list[SeenEvent] = []
        for number, (begin, end) in enumerate(there):
            before_s, after_s = away_s[number], away_s[number + 1]
            if noting.HIDDEN_S <= before_s < math.inf:
                events.append(self._event(EventKind.HIDDEN, there[number - 1][1], begin))
            if begin > 0 and before_s >= noting.AWAY_S:
                events.append(self._comes(begin, end))
            if end < len(self.frozen) and after_s >= noting.AWAY_S:
                gone = self._goes(begin, end)
                if after_s == math.inf or gone.kind is EventKind.LEAVES:
                    events.append(gone)
            events += self._directions(begin, end)
            events += self._stops_and_starts(begin, end)
        return events

    def _away_s(self, end: int, begin: int) -> float:
        """For how long it is behind something between these ticks; infinity if it leaves the picture meanwhile."""
        left = self.sight.within[end:begin].min(initial=1.0) < noting.SEEN
        return math.inf if left else (begin - end) * noting.TICK_S

    def _comes(self, begin: int, end: int) -> SeenEvent:
        seen = self.plainness()
        out = np.flatnonzero(seen[: begin + 1] < noting.GONE)
        first = int(out[-1]) if len(out) else 0
        last = min(end, begin + _AROUND)
        most = noting.WHOLLY * seen[begin : last + 1].max()
        wholly = begin + int(np.argmax(seen[begin : last + 1] >= most))
        side = self._side(begin, -1)
        noted = self.travels()[first : wholly + 1].any() and self._plainly(side, begin, last)
        return self._event(EventKind.ENTERS if noted else EventKind.SHOWN, first, wholly, side=side)

    def _goes(self, begin: int, end: int) -> SeenEvent:
        seen = self.plainness()
        first = max(begin, end - _AROUND)
        most = noting.WHOLLY * seen[first:end].max()
        still_in = np.flatnonzero(seen[first:end] >= most)
        first += int(still_in[-1])
        side = self._side(end - 1, 1)
        if self._by_itself(first, end, side, 1) and self._plainly(side, first, end):
            return self._event(EventKind.LEAVES, first, end, side=side)
        if side == "middle":
            return self._event(EventKind.HIDDEN, end, len(self.frozen))
        return self._event(EventKind.LOST, first, end, side=side)

    def _plainly(self, side: str, first: int, last: int) -> bool:
        """Whether it passes the picture's edge, or nearly all of it is visible at some time between these ticks."""
        return side != "middle" or bool(self.sight.seen[first : last + 1].max() >= noting.CLEARLY)

    def _by_itself(self, first: int, last: int, side: str, outwards: int) -> bool:
        """Whether its own motion, not the camera's, takes it over the picture's edge or behind something."""
        during = slice(first, last + 1)
        if side == "middle" or (np.abs(self.growth[during]) >= noting.NEARS).any():
            return bool(self.travels()[during].any())
        axis, sign = _OUT[side]
        middles = (self.sight.reach[:, axis] + self.sight.reach[:, axis + 2]) / 2
        before, after = max(0, first - 1), min(last + 1, len(middles) - 1)
        way = sign * outwards * (middles[after] - middles[before])
        own = sign * outwards * self.velocity[before:after, axis].sum() * noting.TICK_S
        return bool(own >= noting.BY_ITSELF * max(way, noting.RESTS * (after - before) * noting.TICK_S))

    def _side(self, at: int, step: int) -> str:
        """The side of the picture that it extends beyond, or ``middle`` if it is behind something."""
        beside = int(np.clip(at + 2 * step, 0, len(self.frozen) - 1))
        left, top, right, bottom = self.sight.reach[beside]
        across, down = max(right - left, 1e-6), max(bottom - top, 1e-6)
        beyond = (
            (self.window[0] - left) / across,
            (self.window[1] - top) / down,
            (right - self.window[2]) / across,
            (bottom - self.window[3]) / down,
        )
        if self.sight.within[beside] > 0.6 or max(beyond) < 0.1:
            return "middle"
        return _SIDES[int(np.argmax(beyond))]

    def _directions(self, begin: int, end: int) -> list[SeenEvent]:
        labels = self._labels()[begin:end]
        return [
            self._event(
                EventKind.MOVES,
                begin + first,
                begin + last,
                direction=label,
                speed=float(np.hypot(*self.velocity[begin + first : begin + last].T).mean()),
            )
            for first, last, label in spans(labels, _LASTS)
            if label
        ]

    def _labels(self) -> NDArray[np.str_]:
        """``[T]``: its direction; empty where it rests."""
        x, y = self.velocity.T
        sideways = np.where(np.abs(x) >= np.abs(y), np.where(x < 0, "left", "right"), np.where(y < 0, "up", "down"))
        tall = self.sight.reach[:, 3] - self.sight.reach[:, 1]
        rim = np.abs(self.growth) * np.maximum(tall, noting.NEARING_REACH)
        grows = (np.abs(self.growth) >= noting.RESTS / noting.MOVES * noting.NEARS) & (rim > np.hypot(x, y))
        labels = np.where(grows, np.where(self.growth > 0, "nearer", "away"), sideways)
        labels = np.where(self.travels(), labels, np.where(self.stirs(), "about", ""))
        return np.where(self.frozen, "", labels)

    def _stops_and_starts(self, begin: int, end: int) -> list[SeenEvent]:
        labels = np.where(self.travels()[begin:end], "goes", "rests")
        found = spans(labels, _LASTS)
        kinds = {"goes": EventKind.STARTS, "rests": EventKind.STOPS}
        return [self._event(kinds[label], begin + first, begin + first) for first, _, label in found[1:]]

    def _event(
        self, kind: EventKind, first: int, last: int, *, side: str = "", direction: str = "", speed: float = 0.0
    ) -> SeenEvent:
        middle = min(last, (first + last) // 2) if kind in {EventKind.ENTERS, EventKind.LEAVES} else first
        at = min(middle, len(self.frozen) - 1)
        return SeenEvent(
            kind,
            round(self.start_s + first * noting.TICK_S, 3),
            round(self.start_s + last * noting.TICK_S, 3),
            thing=self.thing,
            side=side,
            direction=direction,
            place=self._place(at),
            size=self._size(max(first, last - 1) if kind in {EventKind.ENTERS, EventKind.SHOWN} else first),
            speed=round(speed, 4),
        )

    def _place(self, at: int) -> str:
        left, top, right, bottom = self.sight.boxes[at]
        across = ((left + right) / 2 - self.window[0]) / (self.window[2] - self.window[0])
        down = ((top + bottom) / 2 - self.window[1]) / (self.window[3] - self.window[1])
        thirds = [int(np.clip(share * 3, 0, 2)) for share in (across, down)]
        return f"{('left', 'middle', 'right')[thirds[0]]} {('top', 'middle', 'bottom')[thirds[1]]}"

    def _size(self, at: int) -> str:
        box = self.sight.boxes[min(at, len(self.frozen) - 1)]
        tall = (box[3] - box[1]) / (self.window[3] - self.window[1])
        return "small" if tall < noting.SMALL else "large" if tall > noting.LARGE else "middle"
