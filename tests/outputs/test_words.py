"""Rounds into words: where a model's text says that a word ends, and where it says nothing."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.outputs.words import Word, WordStream, columns_of


def spoken(*texts: str, max_columns: int = 42) -> list[Word]:
    stream = WordStream(max_columns)
    words: list[Word] = []
    for second, text in enumerate(texts):
        last = words[-1] if words else None
        grown, new = stream.words(text, second * 1000, second * 1000 + 1000, last)
        if grown is not None:
            words[-1] = grown
        words += new
    return words


def joined(*texts: str) -> str:
    return "".join(" " * word.spaced + word.text for word in spoken(*texts)).strip()


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (("Goal", "Falcons lead"), "Goal Falcons lead"),  # published checkpoints: whole words, no space
        (("the ball", "goes wide"), "the ball goes wide"),
        ((" the ball", " goes wide"), "the ball goes wide"),
        (("the ball ", "goes wide"), "the ball goes wide"),
        (("the ball\n", " goes  wide"), "the ball goes wide"),
        (("What a goal", "! Falcons lead"), "What a goal! Falcons lead"),
        (("What a goal", ", yes"), "What a goal, yes"),
        (("the keeper", "'s hands"), "the keeper's hands"),
        (("it is 2", "-1 now"), "it is 2-1 now"),
        (("a well-", "known name"), "a well-known name"),
        (("he waits -", "and shoots"), "he waits - and shoots"),
        (("(Harbour", ") and ("), "(Harbour) and ("),
        (('he said "', 'yes" and'), 'he said "yes" and'),
        (("for £", "30 million"), "for £30 million"),
        (("曼联", "进球了"), "曼联进球了"),
        (("Goal 曼联", "Falcons"), "Goal 曼联 Falcons"),
        (("cafe", "\u0301 now"), "cafe\u0301 now"),
        ((" the", " Harbour", " Fal", "cons", " lead"), "the Harbour Falcons lead"),  # this stream does write spaces
        ((" the", " ball", " Goal", "Falcons"), "the ball Goal Falcons"),
        ((" the", " ball", " wide", "", "again"), "the ball wide again"),  # nobody is silent within a word
        (("the", "ball", "goes", " wide", "again"), "the ball goes wide again"),
        (("...", ". Goal"), "Goal"),  # stops with nothing to stop
        (("", "  ", "Goal"), "Goal"),
        (("\x1b[31mGo\x1b[0mal", "yes"), "Goal yes"),
        (("quel but\u00a0!", "oui"), "quel but\u00a0! oui"),
    ],
)
def test_rounds_join_as_they_were_spoken(texts: tuple[str, ...], text: str) -> None:
    assert joined(*texts) == text


def test_words_share_their_second_by_length() -> None:
    words = spoken("a goal", "now")
    assert [(word.start_ms, word.end_ms) for word in words] == [(0, 285), (285, 1000), (1000, 2000)]
    assert [word.round_start_ms for word in words] == [0, 0, 1000]


def test_a_continued_word_ends_where_its_last_part_does() -> None:
    words = spoken(" the ball", " Fal", "cons win")
    assert [(word.text, word.start_ms, word.end_ms) for word in words[2:]] == [
        ("Falcons", 1000, 2500),
        ("win", 2500, 3000),
    ]


def test_long_words_are_broken_hard_and_characters_never() -> None:
    assert [word.text for word in spoken("x" * 25, max_columns=10)] == ["x" * 10, "x" * 10, "x" * 5]
    assert [word.text for word in spoken("00\u00a0\u0300", max_columns=2)] == ["00"]  # a mark on a space
    family = "👨\u200d👩\u200d👧"
    assert [word.text for word in spoken(family * 3, max_columns=4)] == [family * 2, family]
    assert [word.text for word in spoken("🇬🇧" * 3, max_columns=4)] == ["🇬🇧" * 2, "🇬🇧"]
    assert [word.text for word in spoken("ne\u0301e", max_columns=2)] == ["ne\u0301", "e"]


def test_ideographs_may_part_but_not_from_their_punctuation() -> None:
    assert [word.text for word in spoken("进球了！「好」 yes")] == ["进", "球", "了！", "「好」", "yes"]


def test_a_word_without_end_is_ended() -> None:
    """Guards bounded memory: rounds that never bring a space."""
    words = spoken(*[" a"] * 3, *["b"] * 60)
    assert max(word.end_ms - word.start_ms for word in words) <= 4000


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(2, 20))
def test_words_are_in_order_and_fit(texts: list[str], max_columns: int) -> None:
    words = spoken(*texts, max_columns=max_columns)
    for word in words:
        assert word.text.strip() == word.text != ""
        assert word.columns == columns_of(word.text) <= max_columns
        assert word.round_start_ms <= word.start_ms <= word.end_ms
    for before, after in itertools.pairwise(words):
        assert before.end_ms <= after.start_ms
