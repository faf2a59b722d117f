"""Where our world agrees with the paper's ordering of two rows, and where it does not. Computed, from intervals.

Two rates are told apart if their 95 % intervals do not overlap, which is stricter than a test of their difference.
Knows no files and no page.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from svlm_cli.evals.claims import Order, Row
from svlm_cli.evals.claims_results import CELL_S, Result
from svlm_cli.evals.scores import Counts, Estimate, evaluate

_NO_CHANGE: Final = Estimate(0.0, 0.0, 0.0)


class Verdict(StrEnum):
    """What our world says of an ordering of the paper's."""

    AGREES = "agrees"
    NOT_TOLD_APART = "not told apart"
    OTHER_WAY = "the other way round"
    TOLD_APART = "does not agree"  # the paper has the two level
    NO_FIGURE = "the paper gives no figure"
    NOTHING_RIGHT = "no event is right, so nothing follows"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Event F1 of a row and of the row that it is compared with, over the same length."""

    ours: Estimate
    theirs: Estimate
    seconds: int  # from the beginning of each match
    same_matches: bool
    here: Order
    verdict: Verdict


def order(one: Estimate, other: Estimate) -> Order:
    """How `one` compares with `other`: level if their intervals overlap, or if there is nothing to tell."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Order.LEVEL
    if one.high < other.low:
        return Order.LOWER
    return Order.HIGHER if one.low > other.high else Order.LEVEL


def judge(paper: Order | None, here: Order, *, found: tuple[Estimate, ...]) -> Verdict:
    """Whether an order is the paper's that was found `here`, in these rates."""
    if paper is None:
        return Verdict.NO_FIGURE
    if not any(one.value for one in found):  # two silent models are level, whatever else they are
        return Verdict.NOTHING_RIGHT
    if here is paper:
        return Verdict.AGREES
    if here is Order.LEVEL:
        return Verdict.NOT_TOLD_APART
    return Verdict.TOLD_APART if paper is Order.LEVEL else Verdict.OTHER_WAY


def compare(row: Row, result: Result, reference: Result) -> Comparison | None:
    """A row with its reference over what both have, in whole minutes; None if that is not even one."""
    ours, theirs = result.setting, reference.setting
    seconds = min(ours.seconds, theirs.seconds)
    if ours.seconds != theirs.seconds:
        seconds -= seconds % CELL_S
    if not seconds:
        return None
    one, other = (event_f1(each.by_minute, seconds) for each in (result, reference))
    here = order(one, other)
    same_matches = (ours.seed, ours.matches) == (theirs.seed, theirs.matches)
    return Comparison(one, other, seconds, same_matches, here, judge(row.paper.order, here, found=(one, other)))


def event_f1(by_minute: Counts, seconds: int) -> Estimate:
    """Over the first `seconds` of all matches. A minute's counts are put into its first second, the rest is empty."""
    matches, _, columns = by_minute.shape
    spread = np.zeros((matches, seconds, columns), np.int64)
    minutes = range(0, seconds, CELL_S)
    spread[:, minutes] = by_minute[:, : len(minutes)]
    return evaluate(list(spread)).overall.event_f1


def judge_drift(row: Row, result: Result) -> tuple[Order, Verdict]:
    """How a row's last fifth compares with its first, and what of it. Level: the difference's interval holds 0."""
    here = order(result.last_minus_first.event_f1, _NO_CHANGE)
    return here, judge(row.paper.drift, here, found=(result.overall.event_f1,))
