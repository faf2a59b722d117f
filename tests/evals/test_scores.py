"""Rates and intervals from counts: the definitions at their edges, and what must hold whatever is counted."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svlm_cli.evals.scores import FIFTHS, Count, Counts, Estimate, evaluate, fifth_bounds, overall_scores, rates

RATES = [
    "event_f1",
    "event_precision",
    "event_recall",
    "goal_precision",
    "goal_recall",
    "name_accuracy",
    "name_recall",
    "score_accuracy",
    "restated_accuracy",
    "restated_recall",
    "speech_agreement",
    "speech_balanced_accuracy",
    "speech_kappa",
]


def counted(seconds: int = 1, **numbers: int) -> Counts:
    """A match whose first second holds these counts."""
    counts = np.zeros((seconds, len(Count)), np.int64)
    for name, number in numbers.items():
        counts[0, Count[name.upper()]] = number
    return counts


def rate(name: str, **numbers: int) -> float | None:
    value = rates(counted(**numbers)[0])[RATES.index(name)]
    return None if np.isnan(value) else float(value)


def test_every_rate_has_its_place() -> None:
    """Guards against rates that are computed in one order and named in another."""
    assert list(evaluate([counted(both_speak=1)]).overall.estimates()) == RATES
    assert rates(counted()).shape == (1, len(RATES))


def test_ratios() -> None:
    assert rate("event_f1", events_true=4, events_said=2, events_hit=1) == pytest.approx(1 / 3)
    assert rate("event_precision", events_true=4, events_said=2, events_hit=1) == 0.5
    assert rate("event_recall", events_true=4, events_said=2, events_hit=1) == 0.25
    assert rate("name_accuracy", names_true=9, names_said=4, names_hit=3) == 0.75
    assert rate("score_accuracy", scores_said=4, scores_right=1) == 0.25
    assert rate("restated_accuracy", restated_said=4, restated_right=3) == 0.75
    assert rate("restated_recall", restated_true=5, restated_hit=2) == 0.4


def test_silence_where_something_is_to_be_said_is_worth_nothing() -> None:
    """Guards against a silent commentary that escapes as `nothing to score`."""
    missed = {"events_true": 3, "goals_true": 1, "names_true": 2, "scores_true": 2, "restated_true": 1}
    assert [rate(name, **missed) for name in RATES[:-3]] == [0.0] * 10


def test_nothing_to_score_is_neither_good_nor_bad() -> None:
    assert [rate(name) for name in RATES] == [None] * len(RATES)
    assert rate("goal_recall", goals_said=2) is None
    assert rate("goal_precision", goals_said=2) == 0


def test_agreement_on_when_to_speak() -> None:
    """Cohen's kappa against its textbook form; balanced accuracy does not reward the commoner of the two."""
    numbers = {"both_speak": 20, "only_reference": 5, "only_candidate": 10, "both_silent": 15}
    observed, chance = 0.7, 0.5 * 0.6 + 0.5 * 0.4
    assert rate("speech_agreement", **numbers) == pytest.approx(observed)
    assert rate("speech_balanced_accuracy", **numbers) == pytest.approx((20 / 25 + 15 / 25) / 2)
    assert rate("speech_kappa", **numbers) == pytest.approx((observed - chance) / (1 - chance))


def test_one_who_never_speaks_agrees_no_better_than_chance() -> None:
    numbers = {"only_reference": 7, "both_silent": 93}
    assert rate("speech_agreement", **numbers) == 0.93
    assert rate("speech_balanced_accuracy", **numbers) == 0.5
    assert rate("speech_kappa", **numbers) == 0


def test_a_match_is_cut_in_five() -> None:
    assert fifth_bounds(10) == [0, 2, 4, 6, 8, 10]
    assert fifth_bounds(7203)[-1] == 7203
    counts = np.zeros((10, len(Count)), np.int64)
    counts[:, Count.EVENTS_TRUE] = 1
    counts[:4, Count.EVENTS_HIT] = counts[:4, Count.EVENTS_SAID] = 1
    result = evaluate([counts, counts])
    assert [fifth.event_f1.value for fifth in result.fifths] == [1, 1, 0, 0, 0]
    assert result.last_minus_first.event_f1 == Estimate(-1.0, -1.0, -1.0)
    assert result.counts[Count.EVENTS_TRUE] == 20


def test_interval_follows_the_spread_between_matches() -> None:
    """Guards against intervals over seconds: 2,000 of them, but two matches."""
    good = counted(5, events_true=1000, events_said=1000, events_hit=1000)
    bad = counted(5, events_true=1000, events_said=1000)
    assert evaluate([good, bad]).overall.event_recall == Estimate(0.5, 0.0, 1.0)
    narrow = evaluate([good, bad] * 50).overall.event_recall
    assert narrow.low is not None
    assert narrow.high is not None
    assert 0.38 < narrow.low < 0.43
    assert 0.57 < narrow.high < 0.62


def test_an_interval_holds_95_percent() -> None:
    """Guards against narrower ones: 90 % would be 16 % less wide."""
    good, bad = (counted(5, events_true=1000, events_said=1000, events_hit=hits) for hits in (1000, 0))
    found = evaluate([good, bad] * 500).overall.event_recall
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / 1000**0.5, rel=0.07)


def test_a_lone_match_is_resampled_by_blocks() -> None:
    """Guards against an interval of width 0, or one that takes each second for a witness of its own."""
    seconds = np.zeros((6000, len(Count)), np.int64)
    seconds[:, Count.EVENTS_TRUE] = 1
    noise = np.random.default_rng(0).random(6000) < 0.5
    seconds[noise, Count.EVENTS_HIT] = 1
    apart = evaluate([seconds]).overall.event_recall
    seconds[:, Count.EVENTS_HIT] = np.repeat(np.arange(100) % 2, 60)
    in_runs = evaluate([seconds]).overall.event_recall
    assert apart.low is not None
    assert apart.high is not None
    assert in_runs.low is not None
    assert in_runs.high is not None
    assert 0.01 < apart.high - apart.low < 0.04
    assert 0.15 < in_runs.high - in_runs.low < 0.25


def test_results_are_json() -> None:
    value = json.loads(json.dumps(evaluate([counted(7, events_true=1), counted(3)]).to_json(), allow_nan=False))
    assert set(value) == {"overall", "fifths", "last_minus_first", "counts"}
    assert len(value["fifths"]) == FIFTHS
    assert value["overall"]["event_f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert value["overall"]["goal_recall"] == {"value": None, "low": None, "high": None}
    assert value["counts"]["events_true"] == 1


@st.composite
def matches(draw: st.DrawFn) -> Sequence[Counts]:
    """Counts that a tally can give: hits are part of what was to be said and of what was said."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        random = np.random.default_rng(draw(st.integers(0, 99)))
        counts = np.zeros((draw(st.integers(1, 40)), len(Count)), np.int64)
        density = draw(st.sampled_from([0.0, 0.1, 0.9]))
        wanted, said = (random.random((len(counts), 4)) < density for _ in range(2))
        hit = wanted & said
        for index, (true_, said_, hit_) in enumerate(
            [
                (Count.EVENTS_TRUE, Count.EVENTS_SAID, Count.EVENTS_HIT),
                (Count.GOALS_TRUE, Count.GOALS_SAID, Count.GOALS_HIT),
                (Count.NAMES_TRUE, Count.NAMES_SAID, Count.NAMES_HIT),
                (Count.RESTATED_TRUE, Count.RESTATED_SAID, Count.RESTATED_HIT),
            ]
        ):
            counts[:, true_], counts[:, said_], counts[:, hit_] = wanted[:, index], said[:, index], hit[:, index]
        counts[:, [Count.SCORES_TRUE, Count.SCORES_SAID]] = counts[:, [Count.RESTATED_TRUE, Count.RESTATED_SAID]]
        counts[:, [Count.SCORES_RIGHT, Count.RESTATED_RIGHT]] = (said[:, 3] & (random.random(len(said)) < 0.5))[:, None]
        speech = random.integers(Count.BOTH_SPEAK, Count.BOTH_SILENT + 1, len(counts))
        counts[np.arange(len(counts)), speech] = 1
        found.append(counts)
    return found


@settings(max_examples=40, deadline=None)
@given(matches(), st.randoms(use_true_random=False))
def test_whatever_is_counted(found: Sequence[Counts], order: "st.random.Random") -> None:  # type: ignore[name-defined]
    """Rates lie in their range, intervals hold them, and neither knows the order of the matches."""
    result = evaluate(found)
    for scores in (result.overall, *result.fifths):
        for name, one in scores.estimates().items():
            if one.value is None:
                assert (one.low, one.high) == (None, None)
                continue
            assert one.low is not None
            assert one.high is not None
            assert -1 <= one.low <= one.value <= one.high <= 1
            assert name == "speech_kappa" or one.low >= 0
    shuffled = list(found)
    order.shuffle(shuffled)
    assert evaluate(shuffled) == result
    assert overall_scores(found) == result.overall
