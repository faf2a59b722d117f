"""Endless footage: shots, scenes and their log, all from one seed.

Each shot depends only on the seed and its number, so access is random. Knows neither pictures (``render.py``) nor
words.
"""

from bisect import bisect_right
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from svlm_cli.simulator.footage.events import FootageLog, SeenEvent
from svlm_cli.simulator.footage.log import log_of
from svlm_cli.simulator.footage.scenes import FootageScenes
from svlm_cli.simulator.footage.shots import PER_RECORDER, How, Shot, Slate, make_shot
from svlm_cli.simulator.footage.views import views_of

_KEPT: Final = 64  # shots in the cache
_SHORTEST_S: Final = 2.0
_LONGEST_S: Final = 180.0
_TYPICAL_S: Final = 12.0
_BRISK: Final = 0.2  # share of films whose shots are short
_BRISK_S: Final = 2.5  # typical there
_BRIEFEST_S: Final = 1.2  # a shorter one could not be told from the next
_SHORTEST_FADE_S: Final = 0.8  # at two pictures a second, a faster one is a cut


class EndlessFootage:
    """Endless footage. The same seed gives the same footage, in whatever order it is read."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._rng = np.random.default_rng([seed, 0])
        self._slates: list[Slate] = []
        self._starts: list[float] = []
        self.shot = lru_cache(_KEPT)(self._shot)
        self.shot_log = lru_cache(_KEPT)(lambda number: log_of(self.shot(number)))

    def shots(self, from_s: float, to_s: float) -> tuple[Shot, ...]:
        """The shots that overlap these times, in order."""
        self._lay_out(to_s)
        first = max(0, bisect_right(self._starts, from_s) - 1)
        last = bisect_right(self._starts, np.nextafter(to_s, -np.inf))
        return tuple(self.shot(number) for number in range(first, last))

    def scenes(self, times_s: ArrayLike) -> FootageScenes:
        """The moments at these times."""
        times = np.asarray(times_s, np.float64).reshape(-1)
        if not len(times):
            return self.scenes([0.0]).take(np.zeros(0, np.int64))
        if times.min() < 0:
            raise ValueError(f"{times.min()} s is before the footage begins.")
        self._lay_out(float(times.max()) + 1)
        numbers = np.searchsorted(self._starts, times, side="right") - 1
        pieces, moments = [], []
        for number in np.unique(numbers):
            rows = np.flatnonzero(numbers == number)
            pieces.append(self._of_shot(int(number), times[rows]))
            moments.append(rows)
        back = np.argsort(np.concatenate(moments), kind="stable")
        return FootageScenes.join(pieces).take(back)

    def log(self, from_s: float, to_s: float) -> FootageLog:
        """What is true between these times: the events that begin there, and the states that overlap them."""
        logs = [self.shot_log(shot.number) for shot in self.shots(from_s, to_s)]
        events = [event for log in logs for event in log.events if _lies_in(event, from_s, to_s)]
        tracks = [track for log in logs for track in log.tracks]
        return FootageLog(tuple(sorted(events, key=lambda event: event.start_s)), tuple(tracks))

    def _shot(self, number: int) -> Shot:
        while len(self._slates) <= number:
            self._next_slate()
        return make_shot(self.seed, self._slates[number])

    def _lay_out(self, until_s: float) -> None:
        while not self._slates or self._slates[-1].start_s + self._slates[-1].length_s <= until_s:
            self._next_slate()

    def _next_slate(self) -> None:
        rng, number = self._rng, len(self._slates)
        start_s = self._slates[-1].start_s + self._slates[-1].length_s if number else 0.0
        length_s = float(np.clip(_TYPICAL_S * np.exp(rng.normal(0, 0.9)), _SHORTEST_S, _LONGEST_S))
        if np.random.default_rng([self.seed, number // PER_RECORDER, 5]).random() < _BRISK:
            length_s = max(_BRIEFEST_S, length_s * _BRISK_S / _TYPICAL_S)
        how = How(str(rng.choice([How.CUT, How.FADE, How.CROSS_FADE], p=[0.72, 0.13, 0.15])))
        how = how if length_s > 3 * _SHORTEST_FADE_S else How.CUT
        fade_s = min(float(rng.uniform(_SHORTEST_FADE_S, 1.5)), length_s / 3) * (how is not How.CUT)
        place = number
        if number and rng.random() < 0.25:
            place = self._slates[max(0, number - int(rng.integers(1, 4)))].place
        if not number:
            how, fade_s = How.START, 0.0
        self._slates.append(Slate(number, start_s, round(length_s, 3), how, fade_s, place))
        self._starts.append(start_s)

    def _of_shot(self, number: int, times_s: NDArray[np.float64]) -> FootageScenes:
        """Moments of one shot, and of the one before it while that one fades out."""
        shot = self.shot(number)
        since_s = times_s - shot.start_s
        scenes = views_of(shot, since_s)
        light = np.ones(len(times_s))
        if shot.how is How.FADE:
            light *= np.clip(since_s / shot.fade_s, 0, 1)
        following = self.shot(number + 1)
        if following.how is How.FADE:
            light *= np.clip((shot.length_s - since_s) / following.fade_s, 0, 1)
        first = np.arange(len(times_s), dtype=np.int32)
        second, mix = first, np.zeros(len(times_s), np.float32)
        fading = np.flatnonzero((shot.how is How.CROSS_FADE) & (since_s < shot.fade_s))
        if len(fading):
            before = self.shot(number - 1)
            old = views_of(before, times_s[fading] - before.start_s)
            second = first.copy()
            second[fading] = len(times_s) + np.arange(len(fading))
            mix[fading] = 1 - since_s[fading] / shot.fade_s
            scenes = FootageScenes.join([scenes, old])
        return scenes.with_moments(first, second, mix, light.astype(np.float32))


def _lies_in(event: SeenEvent, from_s: float, to_s: float) -> bool:
    return event.start_s < to_s and (event.start_s >= from_s or event.end_s > from_s)
