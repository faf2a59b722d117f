"""Rows that move one after the other, against all at once."""

import numpy as np
import pytest
import torch

from svlm_cli.compute.route import Route, Run

CPU = torch.device("cpu")
CASES = {
    "the end of the front goes": [Run(4, 2, 6)],
    "words jump over what follows": [Run(8, 2, 2), Run(3, 4, 3), Run(12, 7, 1)],
    "all moves backwards": [Run(2, 4, 3)],
    "nothing moves": [Run(1, 1, 2)],
    "one row": [Run(7, 0, 1)],
    "one behind the other": [Run(5, 2, 3), Run(9, 5, 4), Run(14, 9, 2)],
}


@pytest.mark.parametrize("case", CASES)
def test_no_row_is_overwritten_before_it_is_read(case: str) -> None:
    runs = CASES[case]
    before = np.arange(20) * 10
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
    route = Route.of([[Run(900, 0, 2), Run(100, 2, 800), Run(1000, 802, 2000)]], CPU)
    assert route.rows.tolist() == [[900, 0, 0, 1], [901, 1, 1, 1], [100, 2, 2, 800], [1000, 802, 802, 2000]]
    assert route.bounds.tolist() == [0, 2, 4]


def test_every_slot_slides_by_itself() -> None:
    """With the angles of its own rows, and none of another slot's."""
    route = Route.of([[Run(5, 4, 2)], [Run(15, 10, 1), Run(12, 11, 2)], [], [Run(29, 20, 1)]], CPU)
    assert route.rows.tolist() == [[5, 4, 0, 2], [15, 10, 2, 1], [12, 11, 3, 2], [29, 20, 5, 1]]
    assert route.bounds.tolist() == [0, 0, 1, 2, 3, 3, 3, 3, 4]
    assert route.slots == 4
