"""What holds for every output format, and where each is told of: a new one is not half there."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from svlm_cli.cli.choices import formats
from svlm_cli.cli.described import leaves
from svlm_cli.cli.described import options as described
from svlm_cli.commands.app import whole
from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.style import CueStyle
from tests.conftest import ROOT
from tests.outputs.checkers import CHECKERS
from tests.outputs.memory import Memory, written
from tests.outputs.speech import rounds
from tests.outputs.test_cues import streams


def test_it_is_told_of() -> None:
    """In the guide with what it is, in the README, in the help, where Tab is pressed; and it has a strict reader."""
    page = (ROOT / "docs" / "captions.md").read_text(encoding="utf-8")
    (guide,) = re.findall(r"^## Formats\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", guide, re.MULTILINE)) == {
        one.value: one.traits.about for one in Format
    }
    (listed,) = re.findall(r"^Formats are (.+?)\. ", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"`(\w+)`", listed) == list(Format)
    caption = dict(leaves(whole()))[("caption",)]
    (option,) = (one for one in described(caption) if one.key == "format")
    assert option.value == ",".join(Format)
    assert [name for name, _ in formats("")] == list(Format)
    assert list(CHECKERS) == list(Format)


@pytest.mark.parametrize("format_", Format)
@settings(max_examples=10)
@given(segments=streams())
def test_every_piece_written_leaves_a_valid_file(format_: Format, segments: list[Segment]) -> None:
    """Guards files that are looked at, or interrupted, while they grow: each format has its strict reader."""
    file = written(format_, segments)
    assert [problem for state in file.states[1:] for problem in CHECKERS[format_](state)] == []
    assert file.complete


@pytest.mark.parametrize("format_", Format)
def test_no_words_can_break_it(format_: Format) -> None:
    """What a model says is whatever it says: ends of cues, fields and lines, commands to players and terminals."""
    hostile = ["a --> b", "a\n\nb", "\r\n2\r\n00:00:00,000 --> 00:00:01,000\r\nfake", "a\tb", "{\\an8}<b>&"]
    hostile += ["\x1b[2J\x9b1m", "\x00", "\ud800", "\u2028a\u2029", "\ufeff"]
    hostile += ['"}, {"', "]}", "Dialogue: 0,,", "WEBVTT"]
    said = written(format_, rounds([f"{one} end." for one in hostile]))
    assert CHECKERS[format_](said.text) == []
    assert said.text.count("end.") == len(hostile)


@pytest.mark.parametrize("times_s", [(-1.0, 0.0), (-0.001, 1.0), (2.0, 1.0), (2.0, 2.0), (float("nan"), 1.0)])
@pytest.mark.parametrize("format_", Format)
def test_no_writer_takes_times_that_cannot_be(format_: Format, times_s: tuple[float, float]) -> None:
    """Some players reject the whole file for one of them."""
    good, bad = rounds(["Goal for Falcons!"])[0], Segment(0, 1, *times_s, "One nil.", (1,), 0.1)
    memory = Memory()
    output = open_output(format_, memory, CueStyle())
    output.write(good)
    with pytest.raises(OutputError, match="A segment cannot last from"):
        output.write(bad)
    output.close()
    assert "One nil." not in memory.text


def test_formats_by_suffix() -> None:
    assert Format.from_suffix(Path("a.b.SRT")) is Format.SRT
    assert Format.from_suffix(Path("a.vtt")) is Format.VTT
    assert Format.from_suffix(Path("a.jsonl")) is Format.JSONL
    assert Format.from_suffix(Path("a.mp4")) is None
    assert Format.from_suffix(Path("srt")) is None
