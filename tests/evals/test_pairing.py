"""Pairs of what was to be said and what was: by hand, and against a search through all of them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.evals.pairing import Moment, pair_up

WANTED_10 = [(10.0, "goal")]


@pytest.mark.parametrize("time_s", [0.0, 3.0, 9.0, 10.0, 11.0, 20.0])
def test_within_ten_seconds_it_was_meant(time_s: float) -> None:
    assert pair_up(WANTED_10, [(time_s, "goal")]) == [(0, 0)]


@pytest.mark.parametrize("said", [(20.1, "goal"), (-0.1, "goal"), (10.0, "corner")])
def test_further_away_or_something_else_it_was_not(said: Moment) -> None:
    assert pair_up(WANTED_10, [said]) == []


def test_what_is_in_time_is_not_spent_on_what_it_is_late_for() -> None:
    """Guards against one step over the wide window, which would pair 0 with 8 and leave 16 to 8, both late."""
    assert pair_up([(0, "pass"), (8, "pass")], [(8, "pass"), (16, "pass")]) == [(1, 0)]
    assert pair_up([(0, "pass"), (8, "pass")], [(8, "pass"), (9.5, "pass")]) == [(1, 0), (0, 1)]


def test_neighbours_do_not_take_each_others_word() -> None:
    """Guards against nearest first: 7.0 is nearest to 7.5, and then 6.0 would have nothing in time."""
    assert set(pair_up([(6.0, "a"), (7.5, "a")], [(7.0, "a"), (8.4, "a")])) == {(0, 0), (1, 1)}


def test_of_as_many_pairs_the_nearest() -> None:
    """Guards the delay against earliest with earliest: 9.2 would do as well as 10.0."""
    assert pair_up(WANTED_10, [(9.2, "goal"), (10.0, "goal"), (10.9, "goal")]) == [(0, 1)]


def test_a_second_is_a_second_in_binary_as_well() -> None:
    """Guards 10.3 - 10, which is more than 0.3."""
    for time_s in (10.2, 10.3, 10.8, 11.3):
        assert pair_up([(time_s, "a")], [(round(time_s - 10, 1), "a")]) == [(0, 0)]


moments = st.lists(st.tuples(st.integers(0, 80).map(lambda tick: tick / 4), st.sampled_from("ab")), max_size=5)


def best(wanted: Sequence[Moment], said: Sequence[Moment], within_s: float) -> tuple[int, float]:
    """The slow twin: of all ways to pair, the most pairs, and of those the least delay, negative."""
    if not wanted:
        return 0, 0.0
    (time_s, key), rest = wanted[0], wanted[1:]
    found = best(rest, said, within_s)
    for index, (when_s, what) in enumerate(said):
        if what == key and abs(when_s - time_s) <= within_s:
            pairs, total = best(rest, [*said[:index], *said[index + 1 :]], within_s)
            found = max(found, (pairs + 1, total - abs(when_s - time_s)))
    return found


@given(moments, moments)
def test_both_steps_are_the_best_there_can_be(wanted: list[Moment], said: list[Moment]) -> None:
    pairs = pair_up(wanted, said)
    assert len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs}) == len(pairs)
    assert all(wanted[ours][1] == said[theirs][1] for ours, theirs in pairs)
    delays = {pair: abs(said[pair[1]][0] - wanted[pair[0]][0]) for pair in pairs}
    in_time = [pair for pair in pairs if delays[pair] <= 1]
    assert (len(in_time), -sum(delays[pair] for pair in in_time)) == best(wanted, said, 1)
    late = [pair for pair in pairs if delays[pair] > 1]
    ours, theirs = ({pair[side] for pair in in_time} for side in (0, 1))
    left = [one for index, one in enumerate(wanted) if index not in ours]
    rest = [one for index, one in enumerate(said) if index not in theirs]
    assert (len(late), -sum(delays[pair] for pair in late)) == best(left, rest, 10)
