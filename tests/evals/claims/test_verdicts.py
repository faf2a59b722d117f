"""Agreement with the paper, in every outcome."""

from dataclasses import replace

import numpy as np
import pytest

from svlm_cli.evals.claims.results import RowResult
from svlm_cli.evals.claims.rows import Order, find_row
from svlm_cli.evals.claims.verdicts import Verdict, compare, judge, judge_drift, judge_pace, middle, order
from svlm_cli.evals.scores import Estimate
from tests.evals.claims.rows import result, with_rates

SOME = (Estimate(0.5, 0.4, 0.6),)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0.1, 0.2), (0.3, 0.4), Order.LOWER),
        ((0.3, 0.4), (0.1, 0.2), Order.HIGHER),
        ((0.1, 0.3), (0.2, 0.4), Order.LEVEL),
        ((0.1, 0.2), (0.2, 0.3), Order.LEVEL),
        ((None, None), (0.2, 0.3), Order.LEVEL),
        ((0.2, 0.3), (None, None), Order.LEVEL),
        ((0.200, 0.201), (0.205, 0.206), Order.LEVEL),
    ],
)
def test_order(
    one: tuple[float | None, float | None], other: tuple[float | None, float | None], expected: Order
) -> None:
    """Guards against a difference that is read from two values without their intervals."""
    assert order(Estimate(one[0], *one), Estimate(other[0], *other)) is expected


@pytest.mark.parametrize(
    ("paper", "here", "expected"),
    [
        (Order.LOWER, Order.LOWER, Verdict.AGREES),
        (Order.LOWER, Order.LEVEL, Verdict.NOT_FOUND),
        (Order.LOWER, Order.HIGHER, Verdict.OTHER_WAY),
        (Order.HIGHER, Order.HIGHER, Verdict.AGREES),
        (Order.HIGHER, Order.LOWER, Verdict.OTHER_WAY),
        (Order.LEVEL, Order.LEVEL, Verdict.AGREES),
        (Order.LEVEL, Order.LOWER, Verdict.DIFFERENT),
        (None, Order.LOWER, Verdict.NO_FIGURE),
    ],
)
def test_judge(paper: Order | None, here: Order, expected: Verdict) -> None:
    assert judge(paper, here, found=SOME) is expected


def test_silence_agrees_with_nobody() -> None:
    """Guards against two models that get nothing right and so are level, as the paper's are."""
    silent = result("window-overlap", [0] * 5), result("streaming", [0] * 5)
    found = compare(find_row("window-overlap"), *silent)
    assert found is not None
    assert (found.here, found.verdict) == (Order.LEVEL, Verdict.NOTHING_RIGHT)
    assert judge_drift(find_row("streaming"), silent[1]) == (Order.LEVEL, Verdict.NOTHING_RIGHT)


@pytest.mark.parametrize(
    ("right", "here", "verdict"),
    [
        (2, Order.LOWER, Verdict.AGREES),
        (6, Order.LEVEL, Verdict.NOT_FOUND),
        (9, Order.HIGHER, Verdict.OTHER_WAY),
    ],
)
def test_a_row_is_compared_with_its_reference(right: int, here: Order, verdict: Verdict) -> None:
    found = compare(find_row("full"), result("full", [right] * 5), result("streaming", [6] * 5))
    assert found is not None
    assert (found.here, found.verdict, found.seconds, found.same_matches) == (here, verdict, 300, True)
    assert found.event_f1.theirs.value == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("right", "names", "here", "others"),
    [
        (2, 5, Order.LOWER, []),
        (6, 5, Order.LOWER, ["scores"]),
        (6, 1, Order.LOWER, ["names", "scores"]),
        (6, 9, Order.LEVEL, ["names", "scores"]),
    ],
)
def test_what_event_f1_does_not_tell_other_rates_may(right: int, names: int, here: Order, others: list[str]) -> None:
    """Guards a row without memory, of which every event is right and every score wrong, against being called level;
    and rates that contradict each other against being taken for an order.
    """
    one = with_rates(result("text-window-0", [right] * 5), names=names, scores=2)
    other = with_rates(result("streaming", [6] * 5), names=5, scores=9)
    found = compare(find_row("text-window-0"), one, other)
    assert found is not None
    assert (found.here, [rate.rate for rate in found.others]) == (here, others)


def test_rows_are_compared_over_what_both_have() -> None:
    """Guards short rows against the late minutes of a long one, where it may be worse, or better."""
    decayed = result("streaming", [9, 9, *[0] * 8], seed=1)
    for row in (result("window", [9, 9]), result("window", [9, 9, 9])):
        found = compare(find_row("window"), row, decayed)
        assert found is not None
        assert found.seconds == row.setting.seconds
        assert not found.same_matches
        assert found.event_f1.theirs.value == pytest.approx(0.95 if found.seconds == 120 else 0.65)


def test_rows_of_more_matches_are_compared_over_those_that_both_have() -> None:
    """Guards a row that was given more matches than its reference against the further ones."""
    few = result("streaming", [9, 9])
    more = result("window", [9, 9])
    further = np.concatenate((more.by_minute, 0 * more.by_minute))
    more = replace(more, by_minute=further, setting=replace(more.setting, matches=2 * more.setting.matches))
    found = compare(find_row("window"), more, few)
    assert found is not None
    assert found.same_matches
    assert found.event_f1.ours.value == found.event_f1.theirs.value


def test_less_than_a_minute_in_common_compares_nothing() -> None:
    """Guards against minutes that are compared with half minutes."""
    short = result("window", [9])
    short = replace(short, setting=replace(short.setting, seconds=30))
    assert compare(find_row("window"), short, result("streaming", [9] * 2)) is None
    same = result("streaming", [9])
    same = replace(same, setting=replace(same.setting, seconds=30))
    found = compare(find_row("window"), short, same)
    assert found is not None
    assert found.seconds == 30


@pytest.mark.parametrize(
    ("one", "here", "verdict"),
    [
        (result("streaming", [6] * 5), Order.LEVEL, Verdict.AGREES),
        (result("streaming", [6, 6, 5, 4, 1]), Order.LOWER, Verdict.DIFFERENT),
        (result("full", [6, 6, 5, 4, 1]), Order.LOWER, Verdict.AGREES),
        (result("full", [6] * 5), Order.LEVEL, Verdict.NOT_FOUND),
        (result("full", [1, 6, 6, 6, 9]), Order.HIGHER, Verdict.OTHER_WAY),
    ],
)
def test_drift(one: RowResult, here: Order, verdict: Verdict) -> None:
    assert judge_drift(find_row(one.setting.row), one) == (here, verdict)


def timed(row: str, minutes_ms: list[float | None]) -> RowResult:
    one = result(row, [6] * len(minutes_ms))
    times = [None if each is None else each / 1000 for each in minutes_ms]
    return replace(one, report={**one.report, "timing": {**one.report["timing"], "round_s_by_minute": times}})


@pytest.mark.parametrize(
    ("one", "here", "verdict"),
    [
        (timed("streaming", [18, 19, 20, 18, 19, 20, 18, 19, 20, 21]), Order.HIGHER, Verdict.DIFFERENT),
        (timed("streaming", [18, 21, 20, 18, 19, 20, 18, 19, 20, 22]), Order.LEVEL, Verdict.AGREES),
        (timed("streaming", [22, 21, 20, 18, 19, 20, 18, 19, 20, 19]), Order.LOWER, Verdict.DIFFERENT),
        (timed("full", [10, 11, 20, 30, 40, 50, None, None, None, None]), Order.HIGHER, Verdict.AGREES),
        (timed("full", [10, 11, 10, 11, 10, 11, None, None, None, None]), Order.LEVEL, Verdict.NOT_FOUND),
        (timed("window-overlap", [10, 11, 20, 30, 40, 50, 60, 60, 60, 60]), Order.HIGHER, Verdict.NO_FIGURE),
    ],
)
def test_pace(one: RowResult, here: Order, verdict: Verdict) -> None:
    """Guards a stream that gets slower against being called flat, because nobody compares."""
    found = judge_pace(find_row(one.setting.row), one)
    assert found is not None
    assert (found.here, found.verdict) == (here, verdict)


def test_a_row_that_ends_at_once_has_no_pace() -> None:
    assert judge_pace(find_row("full"), timed("full", [10, 11, *[None] * 8])) is None


def test_the_interval_of_a_median_is_that_of_the_sign_test() -> None:
    """From the binomial distribution: of 24 values the seventh and the eighteenth; of five there is none."""
    assert middle([float(one) for one in range(1, 25)]) == Estimate(12.5, 7, 18)
    assert middle([3.0, 1.0, 2.0, 5.0, 4.0]) == Estimate(3, 1, 5)
    assert middle([float(one) for one in range(1, 10)]) == Estimate(5, 2, 8)
