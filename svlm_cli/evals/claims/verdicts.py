"""Whether our measurements agree with the paper's ordering of two rows, computed from intervals.

Two rates differ if their 95 % intervals do not overlap, which is stricter than a test of their difference, and if they
are at least a point apart. Event F1 decides; if it shows no difference, the other rates may: memory affects only
scores. Round times are compared by the medians of their minutes. Knows no files and no page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from svlm_cli.evals.claims.results import CELL_S, RowResult
from svlm_cli.evals.claims.rows import Order, Row
from svlm_cli.evals.scores import FIFTHS, Counts, Estimate, Scores, overall_scores

LEVEL: Final = 0.01  # smaller differences are ties, like a point of win rate

_NO_CHANGE: Final = Estimate(0.0, 0.0, 0.0)
_OTHER_RATES: Final = {"names": "name_accuracy", "scores": "score_accuracy", "speaking": "speech_balanced_accuracy"}


class Verdict(StrEnum):
    """How our measurement relates to an ordering in the paper."""

    AGREES = "agrees"
    NOT_FOUND = "not reproduced"  # no difference found here
    OTHER_WAY = "the other way round"
    DIFFERENT = "does not agree"  # the paper has a tie
    NO_FIGURE = "the paper gives no figure"
    NOTHING_RIGHT = "no event is correct, so nothing can be concluded"


@dataclass(frozen=True, slots=True)
class Difference:
    """A rate of a row and of its reference, over the same length."""

    rate: str
    ours: Estimate
    theirs: Estimate

    @property
    def order(self) -> Order:
        """How the row compares with the reference."""
        return order(self.ours, self.theirs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row and its reference."""

    event_f1: Difference
    others: tuple[Difference, ...]  # other rates that differ, if event F1 does not
    seconds: int  # from the start of each match
    same_matches: bool
    here: Order
    verdict: Verdict


def order(one: Estimate, other: Estimate) -> Order:
    """How `one` compares with `other`: level if intervals overlap, values nearly agree, or there are none."""
    if one.value is None or one.low is None or one.high is None:
        return Order.LEVEL
    if other.value is None or other.low is None or other.high is None or abs(one.value - other.value) < LEVEL:
        return Order.LEVEL
    if one.high < other.low:
        return Order.LOWER
    return Order.HIGHER if one.low > other.high else Order.LEVEL


def judge(paper: Order | None, here: Order, *, found: tuple[Estimate, ...]) -> Verdict:
    """Whether the order measured `here`, with these rates, is the paper's."""
    if paper is None:
        return Verdict.NO_FIGURE
    if not any(one.value for one in found):  # two silent models always tie
        return Verdict.NOTHING_RIGHT
    if here is paper:
        return Verdict.AGREES
    if here is Order.LEVEL:
        return Verdict.NOT_FOUND
    return Verdict.DIFFERENT if paper is Order.LEVEL else Verdict.OTHER_WAY


def compare(row: Row, result: RowResult, reference: RowResult) -> Comparison | None:
    """A row and its reference over their common matches and whole minutes; None if there are none."""
    ours, theirs = result.setting, reference.setting
    seconds = min(ours.seconds, theirs.seconds)
    if ours.seconds != theirs.seconds:
        seconds -= seconds % CELL_S
    if not seconds:
        return None
    same_matches = ours.seed == theirs.seed
    matches = min(ours.matches, theirs.matches) if same_matches else None
    one, other = (over(each.by_minute[:matches], seconds) for each in (result, reference))
    events = Difference("event F1", one.event_f1, other.event_f1)
    others: tuple[Difference, ...] = ()
    if events.order is Order.LEVEL:
        rates = (Difference(name, getattr(one, rate), getattr(other, rate)) for name, rate in _OTHER_RATES.items())
        others = tuple(rate for rate in rates if rate.order is not Order.LEVEL)
    orders = {rate.order for rate in others}
    here = orders.pop() if len(orders) == 1 else events.order
    verdict = judge(row.paper.order, here, found=(one.event_f1, other.event_f1))
    return Comparison(events, others, seconds, same_matches, here, verdict)


def over(by_minute: Counts, seconds: int) -> Scores:
    """The first `seconds` of all matches. Counts of a minute are put into its first second."""
    matches, _, columns = by_minute.shape
    spread = np.zeros((matches, seconds, columns), np.int64)
    minutes = range(0, seconds, CELL_S)
    spread[:, minutes] = by_minute[:, : len(minutes)]
    return overall_scores(list(spread))


def judge_drift(row: Row, result: RowResult) -> tuple[Order, Verdict]:
    """How a row's last fifth compares with its first, and the verdict. Level if the interval contains 0."""
    here = order(result.last_minus_first.event_f1, _NO_CHANGE)
    return here, judge(row.paper.drift, here, found=(result.overall.event_f1,))


@dataclass(frozen=True, slots=True)
class Pace:
    """Round time in the last fifth reached and in the first: medians over minutes."""

    first: Estimate
    last: Estimate
    here: Order
    verdict: Verdict


def judge_pace(row: Row, result: RowResult) -> Pace | None:
    """Whether a row's rounds get slower; None if it ends within its first fifth."""
    minutes = result.round_s_by_minute
    bounds = [round(len(minutes) * index / FIFTHS) for index in range(FIFTHS + 1)]
    fifths = [[one for one in minutes[start:stop] if one is not None] for start, stop in pairwise(bounds)]
    reached = [fifth for fifth in fifths if fifth]
    if len(reached) < 2 or not fifths[0]:
        return None
    first, last = middle(reached[0]), middle(reached[-1])
    here = Order.LEVEL
    if first.high is not None and last.low is not None and first.high < last.low:
        here = Order.HIGHER
    if first.low is not None and last.high is not None and last.high < first.low:
        here = Order.LOWER
    return Pace(first, last, here, judge(row.paper.pace, here, found=(first, last)))


def middle(values: Sequence[float]) -> Estimate:
    """The median, and its 95 % interval between two values (sign test); with fewer than six values, the range."""
    ordered, count = sorted(values), len(values)
    outside, tail = 0, 1
    while 2 * (tail + math.comb(count, outside + 1)) <= 0.05 * 2**count:
        outside += 1
        tail += math.comb(count, outside)
    return Estimate(median(ordered), ordered[outside], ordered[-1 - outside])
