"""Timeliness: how much of what should be said is in time, early, late or never said; and the delays.

Works on pairs of times and keys (``pairing.py``), counted per second like other scores. Knows neither matches nor
words.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.pairing import IN_TIME_S, WINDOW_S, Moment, pair_up
from svlm_cli.evals.scores import FIFTHS, Counts, Estimate, estimate, fifth_bounds, ratio, resampled

_FAR: Final = 0.9  # another quantile besides the median
_ROUNDING_S: Final = 1e-6


class TimedCount(IntEnum):
    """What is counted per second."""

    WANTED = 0  # items that should be said
    SAID = 1
    IN_TIME = 2  # of these, paired within a second
    EARLY = 3  # of these, paired with something more than a second earlier
    LATE = 4  # or later


@dataclass(frozen=True, slots=True)
class Timed:
    """One commentary compared with what should be said."""

    counts: Counts  # [seconds, C]
    delays: tuple[tuple[int, float], ...]  # per pair: the second when it should be said, and its delay in s


@dataclass(frozen=True, slots=True)
class TimedShares:
    """The rates of one set of seconds, in the order of `_rates`."""

    f1: Estimate  # of `precision` and `in_time`
    precision: Estimate  # the share of what was said that is in time
    in_time: Estimate  # the share of what should be said that is in time: the recall
    early: Estimate
    late: Estimate
    never: Estimate
    stray: Estimate  # the share of what was said that is unpaired

    def estimates(self) -> dict[str, Estimate]:
        """Every rate by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class Delay:
    """Delays of what was said, in s; negative is early. None if nothing is paired."""

    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Timeliness:
    """The timeliness of a set of commentaries."""

    overall: TimedShares
    fifths: tuple[TimedShares, ...]
    last_minus_first: TimedShares
    delay: Delay
    delay_by_fifth: tuple[Delay, ...]
    counts: tuple[int, ...]  # in total, by `TimedCount`

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        return {
            "in_time_s": IN_TIME_S,
            "window_s": WINDOW_S,
            "overall": _json(self.overall, self.delay),
            "fifths": [_json(*one) for one in zip(self.fifths, self.delay_by_fifth, strict=True)],
            "last_minus_first": _json(self.last_minus_first, None),
            "counts": {count.name.lower(): self.counts[count] for count in TimedCount},
        }

    def control_json(self) -> dict[str, float | None]:
        """Overall rates, without intervals."""
        rates = {name: one.value for name, one in self.overall.estimates().items()}
        return {**rates, "delay_s_median": self.delay.median, "delay_s_p90": self.delay.p90}


@dataclass(frozen=True, slots=True)
class TimedControls:
    """Three commentaries with known timeliness."""

    reference: Timeliness
    shifted: Timeliness  # the reference, late
    empty: Timeliness

    def to_json(self) -> dict[str, dict[str, float | None]]:
        """Overall rates of each control, without intervals."""
        return {one.name: getattr(self, one.name).control_json() for one in fields(self)}


def _json(shares: TimedShares, delay: Delay | None) -> dict[str, Any]:
    rates: dict[str, Any] = {name: one.to_json() for name, one in shares.estimates().items()}
    return rates if delay is None else {**rates, "delay_s": {"median": delay.median, "p90": delay.p90}}


def hold_against(wanted: Sequence[Moment], said: Sequence[Moment], seconds: int) -> Timed:
    """Counts per second: a pair counts when it should be said, an unpaired word when it was said.

    A time t > 0 is in second s if s < t <= s + 1; times outside `seconds` count in the first or last second.
    """
    assert seconds > 0, "there is time to say something"
    counts = np.zeros((seconds, len(TimedCount)), np.int64)
    pairs = pair_up(wanted, said)
    paired = {theirs: ours for ours, theirs in pairs}
    for time_s, _ in wanted:
        counts[_second(time_s, seconds), TimedCount.WANTED] += 1
    for index, (time_s, _) in enumerate(said):
        counts[_second(wanted[paired[index]][0] if index in paired else time_s, seconds), TimedCount.SAID] += 1
    delays = []
    for ours, theirs in pairs:
        second, delay_s = _second(wanted[ours][0], seconds), said[theirs][0] - wanted[ours][0]
        counts[second, _when(delay_s)] += 1
        delays.append((second, delay_s))
    return Timed(counts, tuple(delays))


def _second(time_s: float, seconds: int) -> int:
    return min(max(math.ceil(time_s - _ROUNDING_S) - 1, 0), seconds - 1)


def _when(delay_s: float) -> TimedCount:
    if abs(delay_s) <= IN_TIME_S + _ROUNDING_S:
        return TimedCount.IN_TIME
    return TimedCount.LATE if delay_s > 0 else TimedCount.EARLY


def measure_timeliness(commentaries: Sequence[Timed]) -> Timeliness:
    """All of them together, with intervals over commentaries (for a single one, over its minutes), and by fifths."""
    total, drawn = resampled([one.counts for one in commentaries])
    each, each_drawn = _rates(total), _rates(drawn)
    by_fifth: list[list[float]] = [[] for _ in range(FIFTHS)]
    for one in commentaries:
        bounds = fifth_bounds(len(one.counts))
        for second, delay_s in one.delays:
            by_fifth[_last_not_above(bounds, second)].append(delay_s)
    return Timeliness(
        overall=_shares(_rates(total.sum(axis=0)), _rates(drawn.sum(axis=1))),
        fifths=tuple(_shares(each[index], each_drawn[:, index]) for index in range(FIFTHS)),
        last_minus_first=_shares(each[-1] - each[0], each_drawn[:, -1] - each_drawn[:, 0]),
        delay=_delay([delay_s for fifth in by_fifth for delay_s in fifth]),
        delay_by_fifth=tuple(map(_delay, by_fifth)),
        counts=tuple(total.sum(axis=0).tolist()),
    )


def _last_not_above(bounds: Sequence[int], second: int) -> int:
    return max(index for index, bound in enumerate(bounds[:-1]) if bound <= second)


def _rates(counts: Counts) -> NDArray[np.float64]:
    """``[..., C]`` -> ``[..., M]``, in the order of `TimedShares`; NaN if there is nothing to score."""
    wanted, said, in_time, early, late = (counts[..., one] for one in TimedCount)
    paired = in_time + early + late
    shares = [ratio(one, wanted) for one in (in_time, early, late, wanted - paired)]
    precision = ratio(in_time, said, expected=wanted)
    return np.stack([ratio(2 * in_time, wanted + said), precision, *shares, ratio(said - paired, said)], axis=-1)


def _shares(values: NDArray[np.float64], drawn: NDArray[np.float64]) -> TimedShares:
    return TimedShares(*(estimate(float(value), drawn[:, index]) for index, value in enumerate(values)))


def _delay(delays: Sequence[float]) -> Delay:
    if not delays:
        return Delay(None, None)
    median, far = np.quantile(delays, (0.5, _FAR)).tolist()
    return Delay(median, far)
