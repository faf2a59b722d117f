"""Files of predictions: both forms read, one written, and nothing lost when the writer is killed."""

import contextlib
import json
import os
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputBusyError, OutputError
from svlm_cli.evals.benchmarks.chunks import CommentaryFile, CommentedChunk, CommentedItem, read_commentary
from tests.evals.benchmarks.miniature import chunk, item, write_lines

FIRST = CommentedChunk("a.mp4", 1000, 1100, (CommentedItem("Ho\u2028ho", 1000, 1001.5),))
SECOND = CommentedChunk("a.mp4", 1100, 1200, ())
THIRD = CommentedChunk("a.mp4", 1200, 1300, ())


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    """Guards predictions that were made before the newer form: there a video has no suffix, and no chunks."""
    said = [item("one", 1001.0), item("two", 1102.0)]
    newer = write_lines(
        tmp_path / "newer.jsonl", [chunk("a.mp4", 1100, 1200, said[1:]), chunk("a.mp4", 1000, 1100, said[:1])]
    )
    older = tmp_path / "older.json"
    older.write_text(json.dumps({"a": said}, indent=2))
    assert read_commentary(newer).items == read_commentary(older).items
    assert read_commentary(older).covers("a", 5000, 5100), "nobody knows, so silence is silence"
    assert not read_commentary(newer).covers("a", 1150, 1250)
    assert not read_commentary(older).covers("b", 1000, 1100)


def test_a_run_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    """Guards hours of work: the largest end counts, whatever stands last, and each video has its own."""
    path = tmp_path / "a.jsonl"
    with CommentaryFile(path) as file:
        assert file.done_s("Golf/a.mp4") is None
        file.append(SECOND)
        file.append(FIRST)
        assert file.done_s("Golf/a.mp4") == 1200
    with CommentaryFile(path) as file:
        assert (file.done_s("a.mp4"), file.done_s("b.mp4"), file.notice) == (1200, None, "")
    assert read_commentary(path).items["a"] == FIRST.items


@pytest.mark.parametrize("lost", [1, 20, 60])
def test_what_a_killed_writer_left_is_dropped(tmp_path: Path, lost: int) -> None:
    """Guards the lines before it, and those after it, which must not be glued to half a line."""
    path = tmp_path / "a.jsonl"
    with CommentaryFile(path) as file:
        file.append(FIRST)
        file.append(SECOND)
    data = path.read_bytes()
    path.write_bytes(data[:-lost])
    torn = lost > 1  # without the line's end alone, the line is whole
    read = read_commentary(path)
    assert read.chunks["a"] == ((1000, 1100),) + (() if torn else ((1100, 1200),))
    assert ("is incomplete" in read.notice) is torn
    with CommentaryFile(path) as file:
        assert file.done_s("a.mp4") == (1100 if torn else 1200)
        assert ("is incomplete" in file.notice) is torn
        if torn:
            file.append(SECOND)
        file.append(THIRD)
    assert path.read_bytes() == data + json.dumps(THIRD.to_json(), separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("text", ["Buy milk.", '{"milk": 3', "  ", '{"video": "a.mp4"}'])
def test_what_is_not_ours_stays_as_it_is(tmp_path: Path, text: str) -> None:
    """Guards the one line of somebody else's file, named by a slip, against being dropped as half a line of ours."""
    path = tmp_path / "notes"
    path.write_text(text)
    with contextlib.suppress(InputError), CommentaryFile(path):
        assert not text.strip(), "it is refused"
    assert path.read_text() == text


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    with (
        CommentaryFile(tmp_path / "a.jsonl"),
        pytest.raises(OutputBusyError, match=r"Another run is writing .*a\.jsonl"),
    ):
        CommentaryFile(tmp_path / "a.jsonl")


def test_a_disk_that_fills_up_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against half a line before the next one, where the disk has room again."""
    write = os.write

    def short(descriptor: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data)[:50])

    path = tmp_path / "a.jsonl"
    with CommentaryFile(path) as file:
        file.append(FIRST)
        whole = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", short)
            with pytest.raises(OutputError, match="no room left"):
                file.append(SECOND)
        assert path.read_bytes() == whole
        file.append(SECOND)
    assert path.read_bytes().startswith(whole)
    assert len(read_commentary(path).chunks["a"]) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"video": "b.mp4", "chunk_start": 0, "items": []}', "chunk_end must be a number, and it is missing"),
        ('{"video": "b.mp4", "chunk_start": 5, "chunk_end": 5, "items": []}', "is not after chunk_start"),
        ('{"video": "b.mp4", "chunk_start": 0, "chunk_end": "9", "items": []}', "chunk_end must be a number, not '9'"),
        ('{"video": "b.mp4", "chunk_start": 0, "chunk_end": 9}', "items must be a list, not None"),
        ('{"video": "b.mp4", "chunk_start": 0, "chunk_end": 9, "items": [{"response": "x"}]}', r"items\[0\] must have"),
        (json.dumps(chunk("b.mp4", 0, 9, [{**item("x", 1.0), "response": 3}])), r"items\[0\] must have"),
        (json.dumps(chunk("a.mp4", 1099, 1101, [])), "a line above has commented on"),
    ],
)
def test_a_line_that_is_no_chunk_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", [FIRST.to_json()])
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InputError, match=rf"Line 2 of .*a\.jsonl .*{said}"):
        read_commentary(path)
    with pytest.raises(InputError, match="Line 2"):
        CommentaryFile(path)


def test_an_older_file_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "older.json"
    path.write_text('{"a": [{"response": "x", "start_time": 0}]}')
    with pytest.raises(InputError, match=r"older\.json .*'a'\[0\] must have"):
        read_commentary(path)
