"""What counts as an answer: as little as the question asks for."""

from dataclasses import replace

import pytest

from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.answers import is_right
from svlm_cli.questions.question import AnswerKind
from tests.evals.vqa.asked import CHOICE, COUNT, PROACTIVE, STEP


@pytest.mark.parametrize("reply", ["A", " A\n", "A.", "(A)", "(A)."])
def test_a_letter(reply: str) -> None:
    assert is_right(CHOICE, reply)
    assert not is_right(replace(CHOICE, answer="B"), reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " ",
        "B",
        "a",
        "A plate",
        "A. cup",
        "The answer is A",
        "AB",
        "A B",
        "ABC",
        "A..",
        "\u0410",
        "\uff21",
        "Answer",
    ],
)
def test_what_is_no_letter_is_wrong(reply: str) -> None:
    """Guards against the published tests: to one, half of these are right, to the other, nothing is."""
    assert not is_right(CHOICE, reply)


def test_a_letter_of_no_option_is_wrong() -> None:
    assert not is_right(CHOICE, "D")


@pytest.mark.parametrize(
    ("reply", "right"), [("10", True), (" 10.\n", True), ("010", True), ("1", False), ("0", False)]
)
def test_a_count_may_have_two_digits(reply: str, right: bool) -> None:
    """Guards a count of 10, which whoever compares single tokens cannot answer."""
    assert is_right(COUNT, reply) is right


@pytest.mark.parametrize("reply", ["", "ten", "10 times", "1 0", "-10", "10.0", "1,0", "\u0661\u0660", "9" * 5000])
def test_what_is_no_count_is_wrong(reply: str) -> None:
    """Guards the published rule, which takes all digits of a sentence together: "1 of 0" is 10 there."""
    assert not is_right(COUNT, reply)


@pytest.mark.parametrize("kind", [AnswerKind.STEP, AnswerKind.CLUE])
def test_yes_and_no(kind: AnswerKind) -> None:
    question = replace(STEP, kind=kind)
    assert all(is_right(question, reply) for reply in ("no", "No.", " NO ", "n", "N"))
    assert not any(is_right(question, reply) for reply in ("", "yes", "Not yet", "No, he is not", "none", "A"))
    assert is_right(replace(question, answer="yes"), "Yes")
    assert not is_right(replace(question, answer="yes"), "Yesterday")


@pytest.mark.parametrize(
    ("reply", "at_s", "right"),
    [
        ("3", 29.0, True),
        ("It is 3 now.", 27.0, True),
        ("3", 31.0, True),
        ("3", 26.9, False),
        ("3", 31.1, False),
        ("three", 29.0, False),
        ("", 29.0, False),
        ("3", None, False),
    ],
)
def test_the_right_words_at_the_right_moment(reply: str, at_s: float | None, right: bool) -> None:
    """Guards both halves: words alone, or the moment alone, are wrong. Two seconds off is near enough."""
    assert is_right(PROACTIVE, reply, at_s) is right


def test_nothing_is_never_right() -> None:
    questions: list[VideoQuestion] = [CHOICE, COUNT, STEP, PROACTIVE]
    assert not any(is_right(one, reply, 29.0) for one in questions for reply in ("", " ", "\n", "."))
