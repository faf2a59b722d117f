"""Compares what was said about footage with the reference, second by second, and computes the rates.

A statement is right if the reference makes the same one within `TOLERANCE_S`; sizes and numbers are scored separately,
where both mention the same things. Knows no words.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.footage.reading import Said
from svlm_cli.evals.match import matched
from svlm_cli.evals.scores import Counts, Estimate, estimate, ratio, resampled
from svlm_cli.simulator.footage.statements import Topic

TOLERANCE_S: Final = 1.5
TRUE, SAID, HIT = range(3)


class FootageRate(StrEnum):
    """Rates with an F1: topics of statements, together and separately, and the details scored separately."""

    ALL = "all"
    CUTS = "cuts"
    CAMERA = "camera"
    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "direction"
    STOPS = "stops"
    STILL = "stillness"
    LIGHT = "light"
    WEATHER = "weather"
    PICTURE = "picture"
    HOW_MANY = "how many"
    SIZE = "size"


_OF_TOPIC: Final = {
    Topic.CUT: FootageRate.CUTS,
    Topic.CAMERA: FootageRate.CAMERA,
    Topic.ENTERS: FootageRate.ENTERS,
    Topic.LEAVES: FootageRate.LEAVES,
    Topic.MOVES: FootageRate.MOVES,
    Topic.STOPS: FootageRate.STOPS,
    Topic.STILL: FootageRate.STILL,
    Topic.LIGHT: FootageRate.LIGHT,
    Topic.WEATHER: FootageRate.WEATHER,
    Topic.PICTURE: FootageRate.PICTURE,
}
RATES: Final = tuple(FootageRate)


def tally(reference: Sequence[Said], said: Sequence[Said], seconds: int) -> Counts:
    """``[seconds, R * 3]``: per rate, true, said, and both. For `HOW_MANY` and `SIZE`: mentioned by both, and right."""
    counts = np.zeros((seconds, len(RATES), 3), np.int64)
    wanted, given = ([(one.second, _key(one)) for one in side] for side in (reference, said))
    for at, side in ((TRUE, reference), (SAID, said)):
        for one in side:
            _add(counts, one, at)
    for ours, theirs in matched(wanted, given, TOLERANCE_S):
        true, told = reference[ours], said[theirs]
        _add(counts, told, HIT)
        for rate, asked, right in (
            (FootageRate.HOW_MANY, _is_of_things(true), true.statement.count == told.statement.count),
            (FootageRate.SIZE, bool(true.statement.size), true.statement.size == told.statement.size),
        ):
            if asked:
                counts[told.second, RATES.index(rate)] += (1, 1, right)
    return counts.reshape(seconds, -1)


def f1(counts: Counts) -> NDArray[np.float64]:
    """``[..., R * 3]`` -> ``[..., R]``; NaN if nothing was true or said."""
    by_rate = counts.reshape(*counts.shape[:-1], len(RATES), 3)
    return ratio(2 * by_rate[..., HIT], by_rate[..., TRUE] + by_rate[..., SAID])


def scores(footages: Sequence[Counts]) -> tuple[dict[FootageRate, Estimate], list[dict[FootageRate, Estimate]]]:
    """Each rate over all footages, with its interval, and for each fifth."""
    total, drawn = resampled(footages)
    whole = _estimates(total.sum(axis=0), drawn.sum(axis=1))
    return whole, [_estimates(total[fifth], drawn[:, fifth]) for fifth in range(len(total))]


def _estimates(total: Counts, drawn: Counts) -> dict[FootageRate, Estimate]:
    values, draws = f1(total), f1(drawn)
    return {rate: estimate(float(values[index]), draws[:, index]) for index, rate in enumerate(RATES)}


def _key(said: Said) -> tuple[Topic, str]:
    return said.statement.topic, said.statement.what


def _is_of_things(said: Said) -> bool:
    return said.statement.topic in {Topic.ENTERS, Topic.LEAVES, Topic.MOVES}


def _add(counts: Counts, said: Said, at: int) -> None:
    for rate in (FootageRate.ALL, _OF_TOPIC[said.statement.topic]):
        counts[said.second, RATES.index(rate), at] += 1
