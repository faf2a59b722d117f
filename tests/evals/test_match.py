"""Tellings compared by hand: what counts as said, where it is counted, and what it may not be counted for twice."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.evals.match import Telling, ToldEvent, ToldName, ToldScore, Truth, matched, tally
from svlm_cli.evals.scores import Count, evaluate
from svlm_cli.simulator.match.events import Score

SECONDS = 20


def speech(*seconds: int) -> "np.typing.NDArray[np.bool_]":
    return np.isin(np.arange(SECONDS), seconds)


def passes(second: int, team: int | None = 0) -> ToldEvent:
    return ToldEvent(second, "pass", team, is_goal=False)


def goal(second: int, team: int = 0) -> ToldEvent:
    return ToldEvent(second, "goal", team, is_goal=True)


def counts(truth: Telling, said: Telling, goals: Sequence[tuple[float, Score]] = ()) -> dict[str, int]:
    totals = tally(Truth(truth, tuple(goals)), said).sum(axis=0)
    return {count.name.lower(): int(totals[count]) for count in Count if totals[count]}


def events(*told: ToldEvent) -> Telling:
    return Telling(speech(), events=told)


def event_counts(wanted: Telling, said: Telling) -> tuple[int, int, int]:
    totals = tally(Truth(wanted, ()), said).sum(axis=0)
    return int(totals[Count.EVENTS_TRUE]), int(totals[Count.EVENTS_SAID]), int(totals[Count.EVENTS_HIT])


@pytest.mark.parametrize(("late", "hits"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0), (3, 0)])
def test_an_event_is_said_within_a_second_and_a_half(late: int, hits: int) -> None:
    assert event_counts(events(passes(8)), events(passes(8 + late))) == (1, 1, hits)


@pytest.mark.parametrize("wrong", [passes(8, team=1), passes(8, team=None), ToldEvent(8, "shot", 0, is_goal=False)])
def test_type_and_team_must_both_be_right(wrong: ToldEvent) -> None:
    assert event_counts(events(passes(8)), events(wrong)) == (1, 1, 0)


def test_one_event_is_said_once() -> None:
    """Guards against a commentary that says everything three times to be in time once."""
    assert event_counts(events(passes(8)), events(passes(7), passes(8), passes(9))) == (1, 3, 1)
    assert event_counts(events(passes(7), passes(8)), events(passes(8))) == (2, 1, 1)


def test_neighbours_do_not_take_each_others_place() -> None:
    """Guards against nearest-first pairing, which would leave the second claim alone: 8 with 7, and none for 6."""
    assert event_counts(events(passes(6), passes(8)), events(passes(7), passes(9))) == (2, 2, 2)


def test_goals_are_events_and_counted_for_themselves() -> None:
    found = counts(events(goal(4), passes(8)), events(goal(5), goal(15, team=1)))
    assert found["goals_true"] == 1
    assert found["goals_said"] == 2
    assert found["goals_hit"] == 1
    assert (found["events_true"], found["events_said"], found["events_hit"]) == (2, 2, 1)


def test_a_hit_counts_in_the_fifth_of_its_event() -> None:
    """Guards against a rate above 1 in a fifth whose event was said a second later, in the next."""
    result = evaluate([tally(Truth(events(passes(3)), ()), events(passes(4)))])
    assert [fifth.event_f1.value for fifth in result.fifths] == [1, None, None, None, None]


def names(*told: tuple[int, str]) -> Telling:
    return Telling(speech(), names=tuple(ToldName(*one) for one in told))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(8, "Kavo")], (1, 1)),
        ([(9, "Kavo")], (1, 1)),
        ([(8, "Kava")], (1, 0)),  # misspelt
        ([(8, "Remi")], (1, 0)),  # the other team's
        ([(12, "Kavo")], (0, 0)),  # where the reference names nobody
        ([(7, "Remi"), (8, "Kavo")], (1, 1)),  # the right one first, and one name has one counterpart
        ([], (0, 0)),
    ],
)
def test_names(said: list[tuple[int, str]], expected: tuple[int, int]) -> None:
    found = counts(names((8, "Kavo")), names(*said))
    assert found["names_true"] == 1
    assert (found.get("names_said", 0), found.get("names_hit", 0)) == expected


def test_a_right_name_is_not_also_a_wrong_one() -> None:
    """Guards the accuracy of names where the reference has one more than was said."""
    found = counts(names((8, "Kavo"), (9, "Remi")), names((8, "Kavo")))
    assert (found["names_true"], found["names_said"], found["names_hit"]) == (2, 1, 1)


def scores(*told: tuple[int, int, Score], with_goal: bool = False) -> Telling:
    return Telling(speech(), scores=tuple(ToldScore(*one, with_goal=with_goal) for one in told))


GOALS = [(5.5, (1, 0)), (12.0, (1, 1))]


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ((2, 3, (0, 0)), True),
        ((2, 3, (1, 0)), False),
        ((7, 8, (1, 0)), True),
        ((7, 8, (0, 1)), False),
        ((4, 6, (0, 0)), True),  # the goal fell while it was being said
        ((4, 6, (1, 0)), True),
        ((6, 7, (0, 0)), False),  # too late
        ((4, 4, (1, 0)), False),  # too early
        ((11, 11, (1, 1)), True),  # (11 s, 12 s] holds the goal at 12 s
        ((13, 14, (1, 1)), True),
    ],
)
def test_a_stated_score_is_held_against_the_score_then(said: tuple[int, int, Score], right: bool) -> None:
    found = counts(scores(), scores(said), GOALS)
    assert found["scores_said"] == 1
    assert found.get("scores_right", 0) == right


def test_scores_that_the_reference_restates_are_looked_for() -> None:
    truth = scores((2, 3, (0, 0)), (8, 9, (1, 0)), (15, 16, (1, 1)))
    found = counts(truth, scores((2, 4, (0, 0)), (8, 9, (2, 0)), (15, 19, (1, 1))), GOALS)
    assert (found["restated_true"], found["restated_hit"]) == (3, 1)  # in time and right; wrong; late
    assert (found["restated_said"], found["restated_right"]) == (3, 2)
    assert (found["scores_true"], found["scores_said"], found["scores_right"]) == (3, 3, 2)


def test_the_score_in_a_goals_sentence_is_not_restated() -> None:
    """Guards the measure of memory against scores that are read from the board."""
    found = counts(scores((6, 7, (1, 0)), with_goal=True), scores((6, 7, (1, 0)), with_goal=True), GOALS)
    assert found == {"scores_true": 1, "scores_said": 1, "scores_right": 1, "both_silent": SECONDS}


def test_seconds_are_spoken_or_silent() -> None:
    found = counts(Telling(speech(1, 2, 3)), Telling(speech(3, 4)))
    assert found == {"both_speak": 1, "only_reference": 2, "only_candidate": 1, "both_silent": SECONDS - 4}


told = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab")), max_size=8)


def most_pairs(wanted: list[tuple[int, str]], said: list[tuple[int, str]]) -> int:
    """The slow twin: tries every pairing."""
    if not wanted:
        return 0
    (second, key), rest = wanted[0], wanted[1:]
    found = most_pairs(rest, said)
    for index, (when, what) in enumerate(said):
        if what == key and abs(when - second) <= 1.5:
            found = max(found, 1 + most_pairs(rest, said[:index] + said[index + 1 :]))
    return found


@given(told.filter(lambda one: len(one) < 6), told)
def test_pairs_are_the_most_there_can_be(wanted: list[tuple[int, str]], said: list[tuple[int, str]]) -> None:
    """Guards the one pass over sorted claims against leaving a pair out, or using a claim twice."""
    pairs = matched(wanted, said)
    assert len(pairs) == most_pairs(wanted, said)
    assert len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs}) == len(pairs)
    assert all(wanted[i][1] == said[j][1] and abs(wanted[i][0] - said[j][0]) <= 1.5 for i, j in pairs)
