"""Words files: what is written is read again, and what is wrong is named by file and line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord, read_words, words_line


def spoken(video: Path, text: str = "What a goal", *, at_s: float = 12.3) -> SpokenVideo:
    words = tuple(TimedWord(at_s + index, at_s + index + 0.5, word) for index, word in enumerate(text.split()))
    segment = SpokenSegment(words[0].start_s, words[-1].end_s + 0.25, words)
    return SpokenVideo(video, 90.5, (segment,), "Finál — 2026", "ice hockey", "cs", "srt")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Guards the format between the commands: times, words of any alphabet, and videos in other folders."""
    folder = tmp_path / "data"
    folder.mkdir()
    videos = [tmp_path / "season" / "a.mp4", folder / "b.mp4", Path("/somewhere/else/c.mp4")]
    path = folder / "words.jsonl"
    path.write_text("".join(words_line(spoken(video, "Góóól ! 进球"), folder) for video in videos), encoding="utf-8")
    assert [json.loads(line)["video"] for line in path.read_text(encoding="utf-8").splitlines()] == [
        "../season/a.mp4",
        "b.mp4",
        "/somewhere/else/c.mp4",
    ]
    found = list(read_words(path))
    assert [one.video.resolve() for one in found] == videos
    assert found[1] == spoken(folder / "b.mp4", "Góóól ! 进球")


def test_reading_is_line_by_line(tmp_path: Path) -> None:
    """Guards bounded memory: a line is not looked at before those in front of it are taken."""
    path = tmp_path / "words.jsonl"
    path.write_text(words_line(spoken(tmp_path / "a.mp4"), tmp_path) + "{}\n", encoding="utf-8")
    videos = read_words(path)
    assert next(videos).video == tmp_path / "a.mp4"
    with pytest.raises(InputError, match=r"words\.jsonl:2: video is missing"):
        next(videos)


def _word(row: dict[str, Any], index: int, value: object) -> None:
    row["segments"][0]["words"][index] = value


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda row: row.update(notes=""), "'notes' is unknown"),
        (lambda row: row.update(video=""), "names no file"),
        (lambda row: row.update(title=None), "title is None, not a text"),
        (lambda row: row.update(duration_s="90"), "duration_s is '90'"),
        (lambda row: row.update(duration_s=-1), "duration_s is -1"),
        (lambda row: row.update(segments={}), "segments is not a list"),
        (lambda row: row["segments"].append(row["segments"][0]), r"segments\[1\] starts before"),
        (lambda row: row["segments"][0].update(words=[]), r"segments\[0\] has no words"),
        (lambda row: row["segments"][0].update(end_s=0), r"segments\[0\] ends before it starts"),
        (lambda row: row["segments"][0].pop("end_s"), r"segments\[0\] is not a segment"),
        (lambda row: row["segments"][0].update(end_s=True), r"segments\[0\] has times"),
        (lambda row: _word(row, 0, [12.3, "What"]), r"words\[0\] is not \[start, end, word\]"),
        (lambda row: _word(row, 0, [12.0, 12.8, "What"]), r"words\[0\] is not within its segment"),
        (lambda row: _word(row, 0, [12.5, 12.4, "What"]), r"words\[0\] is not within its segment"),
        (lambda row: _word(row, 1, [12.5, 13.0, "a"]), r"words\[1\] starts before the word before it"),
        (lambda row: _word(row, 1, [13.3, 13.8, "a b"]), r"words\[1\] is 'a b', not a word without spaces"),
        (lambda row: _word(row, 1, [13.3, 13.8, ""]), r"words\[1\] is '', not a word"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, spoil: Callable[[dict[str, Any]], object], problem: str) -> None:
    """Guards training data: nothing that is not as it must be takes part."""
    row = json.loads(words_line(spoken(tmp_path / "a.mp4"), tmp_path))
    path = tmp_path / "words.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert len(list(read_words(path))) == 1
    spoil(row)
    path.write_text("\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"words\.jsonl:2: .*{problem}"):
        list(read_words(path))


def test_a_line_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """Guards against a half of a video's words that passes for all of them, and says the way out."""
    path = tmp_path / "words.jsonl"
    line = words_line(spoken(tmp_path / "a.mp4"), tmp_path)
    path.write_text(line + line[:50], encoding="utf-8")
    with pytest.raises(InputError, match=r"words\.jsonl:2: it is not JSON.*It may be cut off: `svlm data words` again"):
        list(read_words(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Guards the sentence."""
    with pytest.raises(InputError, match=r"missing\.jsonl cannot be read: No such file"):
        list(read_words(tmp_path / "missing.jsonl"))
