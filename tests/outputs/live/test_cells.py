"""Text in cells: an ideograph takes two, and none is cut in half."""

import pytest

from svlm_cli.outputs.live.cells import crop, wrap


@pytest.mark.parametrize(
    ("text", "width", "cropped"),
    [
        ("カメラ", 6, "カメラ"),
        ("カメラ", 5, "カメ…"),
        ("カメラ", 4, "カ…"),
        ("front door", 7, "front…"),
        ("front", 1, "…"),
        ("front", 0, ""),
    ],
)
def test_what_is_cut_off_is_an_ellipsis(text: str, width: int, cropped: str) -> None:
    assert crop(text, width) == cropped


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("曼城 進球", 9, ["曼城 進球"]),
        ("曼城 進球", 8, ["曼城", "進球"]),
        ("a 曼城進球 b", 5, ["a", "曼城", "進球", "b"]),
        ("", 5, [""]),
    ],
)
def test_lines_break_between_words(text: str, width: int, lines: list[str]) -> None:
    """Also those that are longer than a line must stay within it."""
    assert wrap(text, width) == lines
