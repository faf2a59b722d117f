"""Subtitle files that every player reads, at every moment of their making."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import PartFile
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.style import CueStyle
from tests.outputs.memory import Memory, written
from tests.outputs.speech import random_speech, rounds
from tests.subtitle_checker import check_ass, read_srt


def test_srt_as_it_stands_in_a_file() -> None:
    assert written(Format.SRT, rounds(["Goal for Falcons!", "", "", "", "One nil."])).text == (
        "1\n00:00:00,000 --> 00:00:01,000\nGoal for Falcons!\n\n2\n00:00:04,000 --> 00:00:05,000\nOne nil.\n\n"
    )


def test_vtt_as_it_stands_in_a_file() -> None:
    assert written(Format.VTT, rounds(["Goal <3 & more"])).text == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\nGoal &lt;3 &amp; more\n\n"
    )


def test_ass_as_it_stands_in_a_file() -> None:
    text = written(Format.ASS, rounds(["Goal {\\an8}by", "North\\Nunited, of all the names that are here"])).text
    assert text.endswith(
        "Dialogue: 0,0:00:00.00,0:00:02.95,Default,,0,0,0,,"
        "Goal (/an8)by North/Nunited,\\Nof all the names that are here\n"
    )


def test_tables_and_bare_words() -> None:
    said = rounds(["Goal for\tthe Falcons, who have", "waited for it so long!", "", "", "One nil."])
    assert written(Format.TSV, said).text == (
        "start\tend\ttext\n0\t2650\tGoal for the Falcons, who have waited for it so long!\n4000\t5000\tOne nil.\n"
    )
    assert written(Format.TXT, said).text == "Goal for the Falcons, who have waited for it so long!\nOne nil.\n"


@pytest.mark.parametrize(
    ("said", "cell"),
    [
        ("=HYPERLINK(1) is it", "'=HYPERLINK(1) is it"),
        ("+1 for them", "'+1 for them"),
        ("-2 degrees", "'-2 degrees"),
        ("@home", "'@home"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠home", "'＠home"),
        ('"=1"', '\'"=1"'),
        ('"Goal!" they cry', '"Goal!" they cry'),
        ("two - nil", "two - nil"),
        ("a=b", "a=b"),
        ("– no", "– no"),
    ],
)
def test_a_table_is_safe_in_a_spreadsheet(said: str, cell: str) -> None:
    """Guards whoever opens a table from words that run as a formula."""
    assert written(Format.TSV, rounds([said])).text.split("\t")[-1] == f"{cell}\n"
    memory = Memory()
    output = open_output(Format.TSV, memory, CueStyle(), raw_tsv=True)
    output.write(rounds([said])[0])
    output.close()
    assert memory.text.split("\t")[-1] == f"{said.strip()}\n"
    assert written(Format.TXT, rounds([said])).text == f"{said.strip()}\n"


def test_beyond_a_hundred_hours() -> None:
    late = rounds(["Still going."], start_s=360_000.0)
    assert "\n100:00:00,000 --> 100:00:01,000\n" in written(Format.SRT, late).text
    assert "\n100:00:00.000 --> 100:00:01.000\n" in written(Format.VTT, late).text


@pytest.mark.parametrize("format_", [Format.SRT, Format.VTT])
def test_times_are_rounded_to_milliseconds(format_: Format) -> None:
    """Guards against cues a millisecond early: 1.001 s are 1000.999... ms as a float."""
    text = written(format_, [Segment(0, 0, 1.001, 2.002, "Goal for Falcons!", (1, 1, 1), 0.05)]).text
    assert re.findall(r"00:00:(\S+) --> 00:00:(\S+)", text.replace(".", ",")) == [("01,001", "02,002")]


def test_words_that_look_like_tags_stay_words() -> None:
    text = written(Format.SRT, rounds(["<font size=99>Goal</font> <3 {\\an8}up"])).text
    assert "‹font size=99>Goal‹/font> <3 (\\an8}up" in text


@pytest.mark.parametrize("suffix", ["srt", "vtt", "ass"])
def test_ffmpeg_reads_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o.{suffix}"
    output = open_output(Format(suffix), PartFile(path, overwrite=False), CueStyle())
    for segment in random_speech(2.8, 300, seed=1):
        output.write(segment)
    output.close()
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-map", "0:s", "-c", "copy"]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    convert = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "srt", "-"]
    read_back = subprocess.run(convert, capture_output=True, text=True, check=True).stdout
    cue = "Dialogue: " if suffix == "ass" else " --> "
    assert read_back.count(" --> ") == path.read_text(encoding="utf-8").count(cue) > 50


def test_a_cue_is_on_disk_as_soon_as_it_is_final(tmp_path: Path) -> None:
    output = open_output(Format.SRT, PartFile(tmp_path / "o.srt", overwrite=False), CueStyle())
    for segment in rounds(["Goal for Falcons!", "", "", "Now on we"]):
        output.write(segment)
    assert [cue.text for cue in read_srt((tmp_path / "o.srt.part").read_text(encoding="utf-8"))] == [
        "Goal for Falcons!"
    ]
    output.close()
    assert len(read_srt((tmp_path / "o.srt").read_text(encoding="utf-8"))) == 2


@pytest.mark.parametrize("said", [["", ""], [" ...", "."]])
def test_nothing_said_is_a_valid_file_too(said: list[str]) -> None:
    """As every format has it: nothing, a header, or rounds without words."""
    texts = {format_: written(format_, rounds(said)).text for format_ in Format}
    assert texts[Format.SRT] == texts[Format.TXT] == ""
    assert texts[Format.VTT] == "WEBVTT\n\n"
    assert texts[Format.TSV] == "start\tend\ttext\n"
    assert check_ass(texts[Format.ASS]) == []
    assert [one["text"] for one in json.loads(texts[Format.JSON])["segments"]] == said
    assert [json.loads(line)["text"] for line in texts[Format.JSONL].splitlines()] == said
