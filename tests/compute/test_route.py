"""Rows that move one after the other, against all at once."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from svlm_cli.compute.route import CopyRange, Route

CPU = torch.device("cpu")
CASES = {
    "the end of the front goes": [CopyRange(4, 2, 6)],
    "words jump over what follows": [CopyRange(8, 2, 2), CopyRange(3, 4, 3), CopyRange(12, 7, 1)],
    "all moves backwards": [CopyRange(2, 4, 3)],
    "nothing moves": [CopyRange(1, 1, 2)],
    "one row": [CopyRange(7, 0, 1)],
    "one behind the other": [CopyRange(5, 2, 3), CopyRange(9, 5, 4), CopyRange(14, 9, 2)],
}


@pytest.mark.parametrize("case", CASES)
def test_no_row_is_overwritten_before_it_is_read(case: str) -> None:
    assert_all_at_once(CASES[case])


@st.composite
def some_runs(draw: st.DrawFn) -> list[CopyRange]:
    """Pieces of a slot in any order, which are to lie one behind the other."""
    pieces = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=6))
    source, target = draw(st.integers(0, 8)), draw(st.integers(0, 30))
    runs = []
    for rows, between in pieces:
        runs.append((source, rows))
        source += rows + between
    found = []
    for start, rows in draw(st.permutations(runs)):
        found.append(CopyRange(start, target, rows))
        target += rows
    return found


@given(some_runs())
@example(
    [CopyRange(50, 35, 10), CopyRange(60, 45, 10), CopyRange(40, 55, 10)]
)  # two follow each other, and the third lies before both
def test_pieces_in_any_order_move_as_if_all_at_once(runs: list[CopyRange]) -> None:
    """Guards orders that no eviction of today asks for: several pieces that jump over each other."""
    assert_all_at_once(runs)


def assert_all_at_once(runs: Sequence[CopyRange]) -> None:
    """What jumps is put aside first and put in place last; what slides moves row by row between."""
    before = np.arange(100) * 10
    expected = before.copy()
    for run in runs:
        expected[run.target : run.target + run.rows] = before[run.source : run.source + run.rows]
    route = Route.of([runs], CPU)
    assert int(route.rows[:, 3].sum()) == sum(run.rows for run in runs)
    after = before.copy()
    _, slides, _ = route.bounds.tolist()
    staged = [before[source] for source in route.rows[:slides, 0].tolist()]
    for source, target, _, count in route.rows[slides:].tolist():
        for row in range(count):
            after[target + row] = after[source + row]
    for value, target in zip(staged, route.rows[:slides, 1].tolist(), strict=True):
        after[target] = value
    assert np.array_equal(after, expected)


def test_most_rows_slide() -> None:
    """Guards the speed: what jumps is copied twice."""
    route = Route.of([[CopyRange(900, 0, 2), CopyRange(100, 2, 800), CopyRange(1000, 802, 2000)]], CPU)
    assert route.rows.tolist() == [[900, 0, 0, 2], [100, 2, 2, 800], [1000, 802, 802, 2000]]
    assert route.bounds.tolist() == [0, 0, 3]
    route = Route.of([[CopyRange(3, 4, 2), CopyRange(100, 6, 800)]], CPU)
    assert route.rows.tolist() == [[3, 4, 0, 1], [4, 5, 1, 1], [100, 6, 2, 800]]
    assert route.bounds.tolist() == [0, 2, 3]


def test_every_slot_slides_by_itself() -> None:
    """With the angles of its own rows, and none of another slot's."""
    route = Route.of(
        [[CopyRange(5, 4, 2)], [CopyRange(15, 10, 1), CopyRange(12, 11, 2)], [], [CopyRange(29, 20, 1)]], CPU
    )
    assert route.rows.tolist() == [[5, 4, 0, 2], [15, 10, 2, 1], [12, 11, 3, 2], [29, 20, 5, 1]]
    assert route.bounds.tolist() == [0, 0, 1, 1, 3, 3, 3, 3, 4]
    assert route.slots == 4
