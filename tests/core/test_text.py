"""Untrusted text: nothing that steers a terminal gets through, and no language is harmed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.text import plain_text, says_something, slug

ANYTHING = st.text(
    st.characters() | st.characters(categories=["Cs", "Cc", "Cf", "Mn"]) | st.sampled_from("\x1b[]m\u200d👩")
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mGoal\x1b[0m!", "Goal!"),
        ("\x1b]0;title\x07Goal", "Goal"),
        ("\x1b]8;;http://a\x1b\\Goal\x1b]8;;\x1b\\", "Goal"),
        ("\x9b2JGoal", "Goal"),
        ("\x1b]52;c;unterminated Goal", "52;c;unterminated Goal"),
        ("\x1bcGoal", "Goal"),
        ("Go\x1b", "Go"),
        ("one\r\ntwo\nthree\tfour\u2028five\x85six", "one two three four five six"),
        ("Go\x00a\x08l\x7f", "Goal"),
        ("\u202egnirts\u202c", "gnirts"),
        ("\u200bGo\u2060al\ufeff", "Goal"),
        ("\ud83d\ude00", "😀"),
        ("a\ud800b", "a\ufffdb"),
        ("ab\udfff", "ab\ufffd"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 8),
        ("a\u200db", "ab"),
        ("\U0001f3f4\U000e0067", "\U0001f3f4"),
    ],
)
def test_what_steers_a_terminal_goes(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        " leading and trailing ",
        "Müller, Señor, Ødegård, naïve café",
        "曼联进球了！",
        "ゴール！",
        "골입니다",
        "गोल क्षण क\u094d\u200dष",
        "می\u200cخواهم",
        "שער!",
        "👨\u200d👩\u200d👧 👍🏽 ❤\ufe0f\u200d🔥 🏃🏽\u200d♀\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🇬🇧",
        "a\u00a0!",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("front door", "front-door"),
        ("../../etc/x", "etc-x"),
        ("/abs", "abs"),
        ("..", "-"),
        ("100%d\x00\n", "100-d"),
        ("rtsp://...@10.0.0.1:554/main", "10.0.0.1-554-main"),
        ("曼" * 300, "曼" * 66),
        ("", "-"),
    ],
)
def test_a_name_becomes_a_file_of_one_folder(name: str, file: str) -> None:
    """Guards the output folder, `strftime`, and file systems, which take 255 bytes."""
    assert slug(name, otherwise="-") == file


@given(ANYTHING)
def test_never_a_control_character_and_nothing_left_to_do(text: str) -> None:
    plain = plain_text(text)
    assert not {unicodedata.category(char) for char in plain} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(plain) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff")
    assert plain_text(plain) == plain
    plain.encode("utf-8")


def test_long_hostile_text_is_fast() -> None:
    """Guards against a pattern that looks ahead from every opener: seconds for a hundred kilobytes."""
    assert plain_text("\x1b]" * 50_000 + "\x9d" * 50_000) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [("", False), (" ... ", False), ("\x1b[31m", False), ("“–”", False), ("3", True), ("球", True), ("🎉", True)],
)
def test_whether_anything_is_said(text: str, said: bool) -> None:
    assert says_something(text) == said
