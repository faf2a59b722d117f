"""Both orders, and what counts as an answer."""

import pytest

from svlm_cli.evals.judge.questions import Outcome, PairOrder, read_reply, visible_length
from tests.evals.judge.judging import PAIR


def test_the_second_order_is_the_other_way_round() -> None:
    """Guards the win rate: a judge that always says A must end at a half, one that knows must not."""
    first, second = PAIR.questions()
    assert (first.order, first.texts["first"], first.texts["second"]) == (PairOrder.AB, PAIR.a, PAIR.b)
    assert (second.order, second.texts["first"], second.texts["second"]) == (PairOrder.BA, PAIR.b, PAIR.a)
    assert read_reply("A", PairOrder.AB, has_ties=False) is Outcome.A
    assert read_reply("B", PairOrder.AB, has_ties=False) is Outcome.B
    assert read_reply("A", PairOrder.BA, has_ties=False) is Outcome.B
    assert read_reply("B", PairOrder.BA, has_ties=False) is Outcome.A


@pytest.mark.parametrize("reply", ["A", " A\n", "A.", "\tA. "])
def test_a_letter_is_a_vote(reply: str) -> None:
    assert read_reply(reply, PairOrder.AB, has_ties=False) is Outcome.A


@pytest.mark.parametrize(
    "reply",
    [
        *(
            "",
            ".",
            "a",
            "AB",
            "A B",
            "A..",
            "A .",
            "A!",
            "A)",
            "(A)",
            "'A'",
            "**A**",
            "Answer: A",
            "A is better.",
            "tie",
        ),
        *("I cannot choose between A and B.", "\N{GREEK CAPITAL LETTER ALPHA}", "A\0", "C", "None"),
    ],
)
def test_all_else_is_none(reply: str) -> None:
    """Guards against a search for a letter, which finds one in nearly every sentence."""
    assert read_reply(reply, PairOrder.AB, has_ties=False) is Outcome.MALFORMED


def test_a_tie_is_one_where_there_are_ties() -> None:
    assert [read_reply(one, PairOrder.AB, has_ties=True) for one in ("tie", "Tie.", "neither", "A")] == [
        Outcome.TIE,
        Outcome.TIE,
        Outcome.MALFORMED,
        Outcome.A,
    ]


def test_blanks_of_silent_seconds_are_no_length() -> None:
    assert visible_length("  so   on  ") == 5
    assert visible_length(" " * 100) == 0
