"""Annotation files: good records are read as they are, bad ones are named, counted, and replaced by nothing."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.training.records import Record, Skipped, SpokenWord, read_records

Message = dict[str, Any]


def messages(video: str = "clip.mp4") -> list[Message]:
    """A good record of four seconds."""
    stream = [[0.2, 0.8, "Goal"], [0.8, 1.4, " for"], [1.4, 2.0, "Falvon"]]
    return [
        {
            "role": "user",
            "content": [
                {"type": "video", "video": video, "video_start": 0.0, "video_end": 4.0},
                {"type": "text", "text": "Comment.", "previous": "Falvon against Torbek."},
            ],
        },
        {"role": "assistant", "content": [{"type": "text_stream", "text_stream": stream}]},
    ]


def _write(folder: Path, *lines: str) -> Path:
    (folder / "clip.mp4").touch()
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _read(path: Path, allowed: int = 0) -> tuple[list[Record], list[str]]:
    said: list[str] = []
    return read_records([path], None, Skipped(allowed, said.append)), said


def test_a_record_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Guards the format itself; words come without spaces at their ends."""
    path = _write(tmp_path, json.dumps(messages()), "")
    words = (SpokenWord(0.2, 0.8, "Goal"), SpokenWord(0.8, 1.4, "for"), SpokenWord(1.4, 2.0, "Falvon"))
    expected = Record(f"{path}:1", tmp_path / "clip.mp4", 0.0, 4.0, "Comment.", "Falvon against Torbek.", words)
    assert _read(path) == ([expected], [])


def test_questions_are_read_and_an_index_at_the_end_is_none(tmp_path: Path) -> None:
    """Guards two parts of published files: questions in a row, and the seek index as the last line."""
    row = messages()
    _ask(row, [0.5, 1.0, "Who has it?", "Falvon."], [1.5, 4.0, "And now?", "Torbek."])
    (record,), said = _read(_write(tmp_path, json.dumps(row), "[0]"))
    assert [(one.asked_s, one.question, one.answer) for one in record.questions] == [
        (1.0, "Who has it?", "Falvon."),
        (4.0, "And now?", "Torbek."),
    ]
    assert said == []


def _video(record: list[Message]) -> Message:
    item: Message = record[0]["content"][0]
    return item


def _ask(record: list[Message], *questions: Any) -> None:
    record[1]["content"][0]["qa_stream"] = list(questions)


def _stream(record: list[Message]) -> list[Any]:
    words: list[Any] = record[1]["content"][0]["text_stream"]
    return words


BAD: dict[str, tuple[Callable[[list[Message]], Any], str]] = {
    "no video": (lambda record: _video(record).update(video="gone.mp4"), "there is no video"),
    "no times": (lambda record: _video(record).pop("video_end"), "video_end is None, not a number"),
    "a truth value": (lambda record: _video(record).update(video_start=True), "video_start is True, not a number"),
    "backwards": (lambda record: _video(record).update(video_start=5), "not a stretch of time"),
    "empty": (lambda record: _stream(record).clear(), "its text_stream is empty"),
    "out of order": (lambda record: _stream(record).reverse(), r"text_stream\[1\] ends before the word before it"),
    "outside": (lambda record: _stream(record).append([4, 4.5, "late"]), r"text_stream\[3\] ends at 4.5 s, not in"),
    "before its start": (lambda record: _stream(record)[0].__setitem__(0, 0.9), "ends before it starts"),
    "blank": (lambda record: _stream(record)[0].__setitem__(2, " "), r"text_stream\[0\] has no word"),
    "not a number": (lambda record: _stream(record)[0].__setitem__(1, "0.8"), "times that are not numbers"),
    "a pair": (lambda record: _stream(record)[0].pop(), r"text_stream\[0\] is not \[start, end, word\]"),
    "swapped": (lambda record: record.reverse(), "no message of the user in its place"),
    "alone": (lambda record: record.pop(), "not a list of two messages"),
    "two videos": (lambda record: record[0]["content"].append(_video(record)), "2 items of type video, not one"),
    "questions in no list": (lambda record: record[1]["content"][0].update(qa_stream={}), "qa_stream is not a list"),
    "half a question": (lambda record: _ask(record, [0.1, 1.0, "Who?"]), r"qa_stream\[0\] is not \[start, time,"),
    "asked nothing": (lambda record: _ask(record, [0.1, 1.0, " ", "He."]), r"qa_stream\[0\] has no question"),
    "asked late": (lambda record: _ask(record, [0.1, 4.1, "Who?", "He."]), "is asked at 4.1 s, not in 0 to 4 s"),
    "asked backwards": (
        lambda record: _ask(record, [0.1, 2.0, "Who?", "He."], [0.1, 1.0, "Who?", "He."]),
        r"qa_stream\[1\] is asked before the question before it",
    ),
    "no query": (lambda record: record[0]["content"][1].pop("text"), "text is None, not a text"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_named_counted_and_skipped(tmp_path: Path, name: str) -> None:
    """Guards against training on something else than what the files say, without a word."""
    spoil, reason = BAD[name]
    bad = copy.deepcopy(messages())
    spoil(bad)
    path = _write(tmp_path, json.dumps(messages()), json.dumps(bad), json.dumps(messages()))
    records, said = _read(path, allowed=1)
    assert [record.place for record in records] == [f"{path}:1", f"{path}:3"]
    assert len(said) == 1
    assert said[0].startswith(f"{path}:2: skipped: ")
    with pytest.raises(InputError, match=reason):
        _read(path, allowed=0)


def test_a_line_that_is_no_json_is_a_bad_record(tmp_path: Path) -> None:
    """Guards the same for what cannot be parsed at all, bytes that are no text included."""
    path = _write(tmp_path, "{", json.dumps(messages()))
    assert len(_read(path, allowed=1)[0]) == 1
    for line in (b"\xff", b"[" * 100_000, json.dumps(messages()).replace("4.0", "9" * 400).encode()):
        path.write_bytes(line + b"\n" + json.dumps(messages()).encode())
        assert len(_read(path, allowed=1)[0]) == 1


def test_too_many_bad_records_end_the_run(tmp_path: Path) -> None:
    """Guards the bound: the error says how many there were, and how to allow more."""
    path = _write(tmp_path, "{", "{", "{")
    with pytest.raises(InputError, match=r"records.jsonl:3: .* record 3 that had to be skipped, 2 are allowed"):
        _read(path, allowed=2)


def test_a_share_of_what_was_taken_may_be_bad() -> None:
    """Guards large sets, of which some part is always bad, and a share of few: the number allowed comes on top."""
    skipped = Skipped(2, lambda _: None, share=0.1)
    for _ in range(2):
        skipped.note("here", "gone")
    with pytest.raises(InputError, match=r"record 3 that had to be skipped, 2 are allowed, and 10 % of the 0 so far"):
        skipped.note("here", "gone")
    skipped = Skipped(2, lambda _: None, share=0.1)
    skipped.taken = 30
    for _ in range(5):
        skipped.note("here", "gone")
    with pytest.raises(InputError, match=r"record 6 .* 10 % of the 30 so far"):
        skipped.note("here", "gone")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Guards against an empty data set that goes unnoticed."""
    with pytest.raises(InputError, match="cannot be read"):
        _read(tmp_path / "gone.jsonl", allowed=9)
