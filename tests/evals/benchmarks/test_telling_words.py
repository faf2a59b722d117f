"""Words that tell something, and when they were said."""

import pytest

from svlm_cli.evals.benchmarks.chunks import CommentedItem
from svlm_cli.evals.benchmarks.telling_words import COMMON, annotated_moments, item_moments, telling_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Messi shoots, and it is a goal!", "messi shoots goal"),
        ("He's offside; they've lost it. Don't!", "offside lost"),
        ("Brazil's O'Neil and O\N{RIGHT SINGLE QUOTATION MARK}Neil", "brazil o'neil o'neil"),
        ("At 2-1 in minute 7", "2-1 minute 7"),
        ("Two one, a counter-attack by Müller", "two one counter-attack müller"),
        ("I a b ... 'x' \N{SOCCER BALL}", ""),
    ],
)
def test_which_words_tell_something(text: str, expected: str) -> None:
    assert [word for word, _ in telling_words(text)] == expected.split()


def test_the_list_fits_a_screen_and_holds_no_number() -> None:
    """Guards the definition: what people cannot look through, they cannot trust."""
    assert len(COMMON) < 200
    assert not COMMON & {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "nil"}


def test_times_within_a_segment_go_by_characters() -> None:
    """By hand: of 20 characters in 4 s, each takes 0.2 s."""
    content = [(10.0, 14.0, " Messi shoots. Goal!! "), (20.0, 20.0, "Goal")]
    found = list(annotated_moments(content))
    assert [word for _, word in found] == ["messi", "shoots", "goal", "goal"]
    assert [time_s for time_s, _ in found] == pytest.approx([11.0, 12.4, 13.6, 20.0])


def test_words_of_an_item_are_said_when_it_ends() -> None:
    items = [CommentedItem("Messi to", 10, 11), CommentedItem(" Suárez.", 11, 12), CommentedItem("", 12, 13)]
    assert list(item_moments(items)) == [(11, "messi"), (12, "suárez")]


@pytest.mark.parametrize("text", ["", " ", "...", "\x00", "it is", "''''s", "_"])
def test_texts_without_a_word(text: str) -> None:
    """Guards against a division by the length of nothing."""
    assert list(annotated_moments([(0.0, 1.0, text)])) == []
