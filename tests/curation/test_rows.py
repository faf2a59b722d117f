"""Rows of annotation files: as training reads them, with their places, over batches and processes."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.curation import rows as rows_module
from svlm_cli.curation.rows import Judges, ReadRow, RowFile
from tests.training.test_records import messages


def _line(start_s: float = 0.0, end_s: float = 4.0, video: str = "clip.mp4") -> str:
    row = messages(video)
    row[0]["content"][0] |= {"video_start": start_s, "video_end": end_s}
    return json.dumps(row)


def _read(path: Path, jobs: int = 1, videos: Path | None = None) -> tuple[RowFile, list[ReadRow]]:
    file = RowFile(path, videos)
    with Judges(jobs) as judges:
        return file, [row for batch in file.rows(judges) for row in batch]


def test_a_row_knows_its_place_and_where_it_begins_and_ends(tmp_path: Path) -> None:
    """Guards places that people look at, offsets that rows are copied by, and the seconds that training asks for."""
    lines = [_line(), "", _line(0.0, 3.5, "sub/b.mp4"), "{", _line(-1.0)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    _, found = _read(path)
    data = path.read_bytes()
    assert [row.number for row in found] == [1, 3, 4, 5]
    assert [data[row.offset : row.offset + row.length].decode().strip() for row in found] == list(filter(None, lines))
    assert found[0][3:] == (str(tmp_path / "clip.mp4"), 0.0, 3.0, "")
    assert found[1][3:] == (str(tmp_path / "sub" / "b.mp4"), 0.0, 3.0, "")
    assert found[2].fault.startswith("it is not valid JSON")
    assert found[3].fault == "video_start -1 and video_end 4 are not a stretch of time"
    assert _read(path, videos=Path("/films"))[1][0].video == "/films/clip.mp4"


def test_published_rows_are_good(tmp_path: Path) -> None:
    """Guards the published sets, whose rows carry more than training reads."""
    row: list[dict[str, Any]] = messages()
    row[0]["content"][1] |= {"title": "Reds v blues", "category": "football"}
    row[1]["content"][0]["qa_stream"] = [[0.0, 1.5, "Who leads?", "The reds."]]
    (tmp_path / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert [one.fault for one in _read(tmp_path / "rows.jsonl")[1]] == [""]


def test_an_index_as_the_last_line_is_no_row(tmp_path: Path) -> None:
    """Guards the files of LiveCC; one that stands elsewhere is a bad row."""
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{_line()}\n{_line()}\n[0, 10]\n", encoding="utf-8")
    file, found = _read(path)
    assert (len(found), file.index_line, list(file.offsets)) == (2, b"[0, 10]\n", [0, len(_line()) + 1])
    path.write_text(f"{_line()}\n[0, 10, 20]\n{_line()}\n", encoding="utf-8")
    file, found = _read(path)
    assert (file.index_line, [row.fault for row in found]) == (None, ["", "it is not a list of two messages", ""])


def test_processes_judge_as_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards order and completeness over many batches, which end at any line, and the processes' end."""
    monkeypatch.setattr(rows_module, "_BATCH_LINES", 7)
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join("{" if n % 5 == 0 else _line(video=f"{n}.mp4") for n in range(100)), encoding="utf-8")
    alone, together = _read(path), _read(path, jobs=2)
    assert alone[1] == together[1]
    assert (len(alone[1]), sum(bool(row.fault) for row in alone[1])) == (100, 20)
    assert list(alone[0].offsets) == [row.offset for row in alone[1]]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Guards against a check of nothing that finds nothing bad."""
    with pytest.raises(InputError, match=r"gone.jsonl cannot be read"):
        _read(tmp_path / "gone.jsonl")
