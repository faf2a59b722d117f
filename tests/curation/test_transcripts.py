"""Transcripts beside videos: what is read of each format, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.curation.transcripts import TranscriptFormat, find_transcript, read_transcript

SRT = (
    "\ufeff1\r\n00:00:01,000 --> 00:00:03,000\r\n<i>What</i> {\\an8}a\r\ngoal\r\n\r\n"
    "2\r\n00:00:04,000 --> 00:00:05,000\r\n- Yes.\r\n"
)
VTT = (
    "WEBVTT - x\n\nNOTE no words\n\nSTYLE\n::cue { color: red }\n\n"
    "one\n00:01.000 --> 00:03.000 align:start\n<v Bob>What &amp; <c.red>goal</c>\n"
)
WORDS = [{"word": " What", "start": 1.0, "end": 1.5, "probability": 0.9}, {"word": " a", "start": 1.5, "end": 2.0}]
WHISPER: dict[str, Any] = {
    "text": " What a",
    "segments": [{"id": 0, "start": 0.0, "end": 2.0, "text": " What a", "words": WORDS}],
    "language": "en",
}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def told(path: Path) -> list[tuple[float, float, str]]:
    return [(word.start_s, word.end_s, word.text) for one in read_transcript(path).segments for word in one.words]


def test_srt(tmp_path: Path) -> None:
    """Guards subtitles as they come: a byte order mark, markup, dialogues; words share their cue."""
    found = read_transcript(path := written(tmp_path, "a.srt", SRT))
    assert [(one.start_s, one.end_s, one.text) for one in found.segments] == [(1, 3, "What a goal"), (4, 5, "Yes.")]
    assert found.source == "srt"
    assert told(path)[0][1] == pytest.approx(1 + 2 * 4 / 9)


def test_vtt(tmp_path: Path) -> None:
    """Guards WebVTT: notes and styles are no words, voices and classes no text, entities are characters."""
    found = read_transcript(written(tmp_path, "a.vtt", VTT))
    assert [(one.start_s, one.end_s, one.text) for one in found.segments] == [(1, 3, "What & goal")]


def test_whisper(tmp_path: Path) -> None:
    """Guards Whisper's own times of words, and its segments without them."""
    path = written(tmp_path, "a.json", json.dumps(WHISPER))
    assert told(path) == [(1.0, 1.5, "What"), (1.5, 2.0, "a")]
    assert (read_transcript(path).source, read_transcript(path).language) == ("whisper-json", "en")
    plain = {"segments": [{"start": 0, "end": 5, "text": " What a"}]}
    assert told(written(tmp_path, "b.json", json.dumps(plain))) == [(0, 4, "What"), (4, 5, "a")]


def test_whisperx(tmp_path: Path) -> None:
    """Guards WhisperX: it is known by its list of words, and words may lack times."""
    words = [{"word": "It's", "start": 1.0, "end": 1.4, "score": 0.9}, {"word": "2"}]
    segments = [{"start": 1.0, "end": 2.0, "text": "It's 2", "words": words, "speaker": "S0"}]
    path = written(tmp_path, "a.json", json.dumps({"segments": segments, "word_segments": words, "language": "de"}))
    assert told(path) == [(1.0, 1.4, "It's"), (1.4, 2.0, "2")]
    assert read_transcript(path).source == "whisperx-json"


def _with(**changes: Any) -> dict[str, Any]:
    return {**WHISPER, "segments": [{**WHISPER["segments"][0], **changes}]}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.srt", "no subtitles", "is not valid SRT: "),
        ("a.srt", "1\n00:00:05,000 --> 00:00:02,000\nx\n\n", "has a cue, number 1, that ends before it starts"),
        ("a.vtt", "no subtitles", "is not valid WebVTT: Invalid format"),
        ("a.vtt", "WEBVTT\n\n00:01 --> 00:02\nx\n", "is not valid WebVTT: Invalid cue block"),
        ("a.vtt", "WEBVTT\n\n00:03.000 --> 00:02.000\nx\n", "has a cue, number 1, that ends"),
        ("a.json", "{", "cannot be used: it is not JSON"),
        ("a.json", '{"segments": NaN}', "cannot be used: it has NaN"),
        ("a.json", '{"videos": []}', "is not Whisper's JSON: it has no list of segments"),
        ("a.json", json.dumps(_with(text=None)), r"segments\[0\] has no text"),
        ("a.json", json.dumps(_with(end=None)), r"segments\[0\] has no start, or no end after it"),
        ("a.json", json.dumps(_with(start=9.0)), r"segments\[0\] has no start, or no end after it"),
        ("a.json", json.dumps(_with(start="0:00")), r"start of segments\[0\] is '0:00'"),
        ("a.json", json.dumps(_with(words=["What"])), r"segments\[0\].words\[0\] has no word"),
        ("a.json", json.dumps(_with(words=[{"word": "a", "end": -1}])), r"end of segments\[0\].words\[0\] is -1"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """Guards training data: a file that is not what its suffix says gives no words, and is named."""
    with pytest.raises(InputError, match=rf"a\.\w+ .*{problem}"):
        read_transcript(written(tmp_path, name, text))


def test_text_in_another_encoding(tmp_path: Path) -> None:
    """Guards against words that are wrong in every accent."""
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.replace("goal", "fútbol").encode("latin-1", "ignore"))
    with pytest.raises(InputError, match="is not UTF-8"):
        read_transcript(path)


def test_which_one_is_taken(tmp_path: Path) -> None:
    """Guards the order: the language that was asked for, then what has a time for each word, then the other formats."""
    video, every = tmp_path / "a.b.mp4", tuple(TranscriptFormat)
    assert find_transcript(video, every, "en") is None
    srt = written(tmp_path, "a.b.srt", SRT)
    assert find_transcript(video, every, "en") == srt
    assert find_transcript(video, (TranscriptFormat.VTT,), "en") is None
    english = written(tmp_path, "a.b.en.srt", SRT)
    assert (find_transcript(video, every, "en"), find_transcript(video, every, "")) == (english, srt)
    whisper = written(tmp_path, "a.b.json", json.dumps(WHISPER))
    assert find_transcript(video, every, "") == whisper
