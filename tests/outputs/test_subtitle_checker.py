"""The checker itself: it passes what is right and names each fault. Guards all other tests against a blind judge."""

import pytest

from tests.subtitle_checker import check_srt, check_vtt, read_srt

GOOD = "1\n00:00:01,000 --> 00:00:02,500\nGoal!\nFalcons lead.\n\n2\n100:00:02,500 --> 100:00:04,000\nOn we go.\n\n"


def test_good_files_pass() -> None:
    assert check_srt("") == []
    assert check_srt(GOOD) == []
    assert [cue.text for cue in read_srt(GOOD)] == ["Goal!\nFalcons lead.", "On we go."]
    assert check_vtt("WEBVTT\n\n") == []
    assert check_vtt("WEBVTT\n\n" + GOOD.replace(",", ".").replace("Goal", "A &amp; B &lt;3")) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("1\n00", "2\n00"), "index"),
        (("1\n00", "0\n00"), "index"),
        (("2\n100", "100"), "index"),
        ((",000 -->", ".000 -->"), "bad times"),
        (("00:00:01,000", "0:00:01,000"), "bad times"),
        (("00:00:01,000", "00:61:01,000"), "bad times"),
        ((" --> ", " -> "), "bad times"),
        (("00:00:02,500\n", "00:00:02,500 X1:3\n"), "bad times"),
        (("00:00:02,500\n", "00:00:01,000\n"), "lasts 0 ms"),
        (("00:00:02,500\n", "00:00:00,999\n"), "lasts -1 ms"),
        (("100:00:02,500 -->", "00:00:02,499 -->"), "starts before"),
        (("Goal!\nFalcons", "Goal!\n\nFalcons"), "index"),
        (("Goal!\nFalcons", "Goal!\n \nFalcons"), "blank line"),
        (("Goal!\nFalcons lead.\n", ""), "no text"),
        (("Goal!", "Goal --> Falcons"), "arrow"),
        (("Goal!", "Goal\x1b[31m"), "control"),
        (("Goal!\n", "Goal!\r\n"), "control"),
        (("Goal!", "Goal\ud800"), "control"),
        (("1\n00", "\ufeff1\n00"), "control"),
        (("go.\n\n", "go.\n"), "does not end"),
        (("go.\n\n", "go.\n\n\n"), "blank line"),
        (("go.\n\n", "go.\n\n3\n"), "does not end"),
    ],
)
def test_each_fault_is_named(change: tuple[str, str], fault: str) -> None:
    assert any(fault in problem for problem in check_srt(GOOD.replace(*change, 1)))


@pytest.mark.parametrize("text", ["a & b", "a < b", "<i>a</i>", "a &bad; b"])
def test_vtt_needs_escapes(text: str) -> None:
    assert "escaped" in check_vtt(f"WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n{text}\n\n")[0]


def test_vtt_needs_its_header_and_dots() -> None:
    assert check_vtt(GOOD)
    assert check_vtt("WEBVTT\n\n" + GOOD)
