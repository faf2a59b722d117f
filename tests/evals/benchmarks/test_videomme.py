"""Video-MME: its rows, from Parquet or JSON lines."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.evals.benchmarks.footage import missing_videos
from svlm_cli.evals.benchmarks.videomme import read_videomme
from tests.evals.benchmarks.miniature import write_lines
from tests.evals.benchmarks.question_sets import videomme_row

ROWS = [videomme_row(), videomme_row(question_id="001-2", duration="long", task_type="OCR Problems", answer="A")]


def test_rows_are_questions(tmp_path: Path) -> None:
    write_lines(tmp_path / "test.jsonl", ROWS)
    first, second = read_videomme(tmp_path)
    assert (first.id, first.task, first.group, first.answer) == ("001-1", "Counting Problem", "short", "C")
    assert first.options == ("A red cup.", "A blue cup.", "A plate.", "Nothing.")
    assert (first.video, first.subtitles) == ("fFjv93ACGo8.mp4", "subtitle/fFjv93ACGo8.srt")
    assert (second.group, second.start_s, second.end_s) == ("long", None, None)
    assert missing_videos(tmp_path, [first, second]) == ("fFjv93ACGo8.mp4",)
    (tmp_path / "video").mkdir()
    (tmp_path / "video/fFjv93ACGo8.mp4").touch()
    assert missing_videos(tmp_path, [first, second]) == ()


@pytest.mark.extra
def test_parquet_comes_first(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    write_lines(tmp_path / "test.jsonl", ROWS)
    expected = read_videomme(tmp_path)
    write_lines(tmp_path / "test.jsonl", ROWS[:1])
    (tmp_path / "videomme").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "videomme/test-00000-of-00001.parquet")
    assert read_videomme(tmp_path) == expected


def test_parquet_without_pyarrow_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svlm_cli.evals.benchmarks.rows.find_spec", lambda name: None)
    (tmp_path / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="needs pyarrow to be read"):
        read_videomme(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration": "tiny"}, "duration must be one of short, medium, long, not 'tiny'"),
        ({"options": ["A. one"]}, "options must be a list of 4 texts"),
        ({"answer": "C. A plate."}, "is not a letter of its options"),
        ({"question_id": "001-1"}, "repeats the question '001-1'"),
        ({"question_id": 3}, "question_id must be a text, not 3"),
        ({"videoID": "../x"}, "names no file below the folder"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    write_lines(tmp_path / "test.jsonl", [ROWS[0], {**ROWS[1], **change}])
    with pytest.raises(InputError, match=rf"Line 2 of .*test\.jsonl .*{said}"):
        read_videomme(tmp_path)


def test_one_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no questions of Video-MME"):
        read_videomme(tmp_path)
    for name in ("a.jsonl", "b.jsonl"):
        write_lines(tmp_path / name, ROWS)
    with pytest.raises(InputError, match=r"holds several files: a\.jsonl, b\.jsonl"):
        read_videomme(tmp_path)
