"""Computes rates with intervals from counts: for whole matches, by fifths, and from the first fifth to the last.

Every score is a function of counts per second (`Count`), so the rates of any part of any set of matches follow from the
sum of their counts. Knows neither words nor matches.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIFTHS = 5
RESAMPLES = 1000
INTERVAL = (0.025, 0.975)
BLOCK_S = 60  # for a single match: long enough to make blocks nearly independent

Counts = NDArray[np.int64]
"""``[..., C]``, indexed by `Count`."""


class Count(IntEnum):
    """What is counted per second."""

    EVENTS_TRUE = 0  # events in the reference
    EVENTS_SAID = 1
    EVENTS_HIT = 2
    GOALS_TRUE = 3
    GOALS_SAID = 4
    GOALS_HIT = 5
    NAMES_TRUE = 6  # team names in the reference
    NAMES_SAID = 7  # names where the reference has one
    NAMES_HIT = 8
    SCORES_TRUE = 9  # scores stated in the reference
    SCORES_SAID = 10  # stated by the candidate, at any time
    SCORES_RIGHT = 11
    RESTATED_TRUE = 12  # scores that the reference states from memory, outside the sentence about a goal
    RESTATED_SAID = 13
    RESTATED_RIGHT = 14
    RESTATED_HIT = 15  # the reference's, also stated by the candidate at that time
    BOTH_SPEAK = 16
    ONLY_REFERENCE = 17
    ONLY_CANDIDATE = 18
    BOTH_SILENT = 19


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate and its 95 % interval; None if there is nothing to score."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        """The three numbers by name."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def number(self, *, signed: bool = False) -> str:
        """The rate, formatted for tables."""
        return "-" if self.value is None else f"{self.value:{'+' if signed else ''}.3f}"

    def interval(self, *, signed: bool = False) -> str:
        """The interval, formatted for tables."""
        sign = "+" if signed else ""
        return "-" if self.low is None or self.high is None else f"{self.low:{sign}.3f} .. {self.high:{sign}.3f}"


@dataclass(frozen=True, slots=True)
class Scores:
    """All rates of one set of seconds, in the order of `rates`."""

    event_f1: Estimate
    event_precision: Estimate
    event_recall: Estimate
    goal_precision: Estimate
    goal_recall: Estimate
    name_accuracy: Estimate
    name_recall: Estimate
    score_accuracy: Estimate
    restated_accuracy: Estimate
    restated_recall: Estimate
    speech_agreement: Estimate
    speech_balanced_accuracy: Estimate
    speech_kappa: Estimate

    def estimates(self) -> dict[str, Estimate]:
        """Every rate by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def to_json(self) -> dict[str, Any]:
        """Every rate with its interval."""
        return {name: estimate.to_json() for name, estimate in self.estimates().items()}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a set of matches."""

    overall: Scores
    fifths: tuple[Scores, ...]  # over all matches: the first fifths, the second fifths...
    last_minus_first: Scores  # differences of rates, with paired resampling
    counts: tuple[int, ...]  # in total, by `Count`

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        return {
            "overall": self.overall.to_json(),
            "fifths": [fifth.to_json() for fifth in self.fifths],
            "last_minus_first": self.last_minus_first.to_json(),
            "counts": {count.name.lower(): self.counts[count] for count in Count},
        }


def rates(counts: Counts) -> NDArray[np.float64]:
    """``[..., C]`` -> ``[..., M]``, in the order of `Scores`; NaN if there is nothing to score.

    If nothing was said although something should have been, all rates are 0, including precisions.
    """
    count = {one: counts[..., one] for one in Count}
    events = count[Count.EVENTS_TRUE], count[Count.EVENTS_SAID], count[Count.EVENTS_HIT]
    goals = count[Count.GOALS_TRUE], count[Count.GOALS_SAID], count[Count.GOALS_HIT]
    return np.stack(
        [
            ratio(2 * events[2], events[0] + events[1]),
            ratio(events[2], events[1], expected=events[0]),
            ratio(events[2], events[0]),
            ratio(goals[2], goals[1], expected=goals[0]),
            ratio(goals[2], goals[0]),
            ratio(count[Count.NAMES_HIT], count[Count.NAMES_SAID], expected=count[Count.NAMES_TRUE]),
            ratio(count[Count.NAMES_HIT], count[Count.NAMES_TRUE]),
            ratio(count[Count.SCORES_RIGHT], count[Count.SCORES_SAID], expected=count[Count.SCORES_TRUE]),
            ratio(count[Count.RESTATED_RIGHT], count[Count.RESTATED_SAID], expected=count[Count.RESTATED_TRUE]),
            ratio(count[Count.RESTATED_HIT], count[Count.RESTATED_TRUE]),
            *_agreement(
                count[Count.BOTH_SPEAK],
                count[Count.ONLY_REFERENCE],
                count[Count.ONLY_CANDIDATE],
                count[Count.BOTH_SILENT],
            ),
        ],
        axis=-1,
    )


def ratio(part: Counts, whole: Counts, *, expected: Counts | None = None) -> NDArray[np.float64]:
    """The share; for an empty whole, 0 if something was expected, else NaN."""
    empty = np.full(whole.shape, np.nan) if expected is None else np.where(expected > 0, 0.0, np.nan)
    return np.divide(part, whole, out=empty, where=whole > 0)


def _agreement(
    both: Counts, reference: Counts, candidate: Counts, neither: Counts
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Observed agreement, balanced accuracy, and Cohen's kappa (1960), of two binary decisions: to speak or not."""
    seconds = both + reference + candidate + neither
    recalls = np.stack([ratio(both, both + reference), ratio(neither, candidate + neither)])
    known = (~np.isnan(recalls)).sum(axis=0)
    balanced = np.full(both.shape, np.nan)
    np.divide(np.nansum(recalls, axis=0), known, out=balanced, where=known > 0)
    # In integers, so that kappa of a silent commentary is exactly 0.
    chance = (both + reference) * (both + candidate) + (neither + reference) * (neither + candidate)
    kappa = ratio(seconds * (both + neither) - chance, seconds * seconds - chance)
    return ratio(both + neither, seconds), balanced, kappa


def evaluate(matches: Sequence[Counts], *, seed: int = 0) -> Evaluation:
    """Rates over all `matches`, each ``[seconds, C]``, with percentile bootstrap intervals over matches.

    A single match is resampled by blocks of about a minute, within its fifths. Resamples with nothing to score are
    ignored; an interval always contains its rate. Does not depend on the order of matches.
    """
    total, drawn = resampled(matches, seed=seed)
    each, each_drawn = rates(total), rates(drawn)
    fifths = tuple(_scores(each[index], each_drawn[:, index]) for index in range(FIFTHS))
    return Evaluation(
        overall=_scores(rates(total.sum(axis=0)), rates(drawn.sum(axis=1))),
        fifths=fifths,
        last_minus_first=_scores(each[-1] - each[0], each_drawn[:, -1] - each_drawn[:, 0]),
        counts=tuple(total.sum(axis=0).tolist()),
    )


def overall_scores(matches: Sequence[Counts], *, seed: int = 0) -> Scores:
    """Those of `evaluate` over all of the time, in a seventh of its time."""
    total, drawn = resampled(matches, seed=seed)
    return _scores(rates(total.sum(axis=0)), rates(drawn.sum(axis=1)))


def resampled(matches: Sequence[Counts], *, seed: int = 0) -> tuple[Counts, Counts]:
    """Counts of each fifth of `matches`, ``[5, C]``, and resamples of them, ``[R, 5, C]``.

    Each match is ``[seconds, C]``, with any set of counts.
    """
    assert matches, "there is a match to score"
    cells = np.stack([_by_fifth(match) for match in matches]) if len(matches) > 1 else _blocks(matches[0])
    flat = cells.reshape(len(cells), -1)
    cells = cells[np.lexsort(flat.T)]  # [units, 5, C]
    return cells.sum(axis=0), _resampled(cells, together=len(matches) > 1, seed=seed)


def fifth_bounds(seconds: int) -> list[int]:
    """The bounds of a match's fifths in seconds: six numbers from 0 to `seconds`."""
    return [seconds * index // FIFTHS for index in range(FIFTHS + 1)]


def _by_fifth(match: Counts) -> Counts:
    bounds = fifth_bounds(len(match))
    return np.stack([match[start:stop].sum(axis=0) for start, stop in itertools.pairwise(bounds)])


def _blocks(match: Counts) -> Counts:
    """``[blocks, 5, C]``: each fifth of a single match, divided into equally many blocks."""
    bounds = fifth_bounds(len(match))
    blocks = max(2, round(len(match) / FIFTHS / BLOCK_S))
    parts = [
        [part.sum(axis=0) for part in np.array_split(match[start:stop], blocks)]
        for start, stop in itertools.pairwise(bounds)
    ]
    return np.swapaxes(np.array(parts, np.int64), 0, 1)


def _resampled(cells: Counts, *, together: bool, seed: int) -> Counts:
    """``[R, 5, C]``: sums over units, resampled with replacement.

    The fifths of a match are drawn `together`; blocks of a single match are drawn separately for each fifth.
    """
    random = np.random.default_rng(seed)
    units = len(cells)
    shape = (RESAMPLES, 1) if together else (RESAMPLES, FIFTHS)
    times = random.multinomial(units, np.full(units, 1 / units), size=shape)  # [R, 1 or 5, units]
    times = np.broadcast_to(times, (RESAMPLES, FIFTHS, units))
    drawn: Counts = np.einsum("rfu,ufc->rfc", times, cells)
    return drawn


def _scores(values: NDArray[np.float64], drawn: NDArray[np.float64]) -> Scores:
    return Scores(*(estimate(float(value), drawn[:, index]) for index, value in enumerate(values)))


def estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """A rate, and the interval from its resamples."""
    if math.isnan(value):
        return Estimate(None, None, None)
    known = drawn[~np.isnan(drawn)]
    low, high = np.quantile(known, INTERVAL).tolist() if len(known) else (value, value)
    return Estimate(value, min(low, value), max(high, value))
