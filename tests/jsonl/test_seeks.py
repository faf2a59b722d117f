"""Lines by their seek index, in both published forms: what is read is a line, or the index is said to be stale."""

import json
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.seeks import SeekableLines, StaleIndexError, index_of, is_index

ROWS = [json.dumps([{"row": number, "filled": "x" * (number % 7)}]) for number in range(1000)]


def _written(folder: Path, rows: list[str]) -> tuple[Path, list[int]]:
    path, offsets, text = folder / "train_with_seeks.jsonl", list[int](), ""
    for row in rows:
        offsets.append(len(text))
        text += row + "\n"
    path.write_text(text, encoding="utf-8")
    return path, offsets


def _with_index(path: Path, offsets: list[int], *, beside: bool) -> None:
    if beside:
        index_of(path).write_text(json.dumps(offsets) + "\n", encoding="utf-8")
    else:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(offsets) + "\n")


def _nobody(line: str) -> None:
    raise AssertionError(line)


@pytest.mark.parametrize("beside", [True, False])
def test_each_line_is_found_by_the_index(tmp_path: Path, *, beside: bool) -> None:
    """Guards both forms; the index itself is no line."""
    path, offsets = _written(tmp_path, ROWS)
    _with_index(path, offsets, beside=beside)
    lines = SeekableLines.open(path, _nobody)
    assert [lines.line(number).decode() for number in range(len(lines))] == ROWS


def test_an_index_in_both_places_is_one(tmp_path: Path) -> None:
    """Guards the end of the last row, behind which the other index stands."""
    path, offsets = _written(tmp_path, ROWS)
    for beside in (True, False):
        _with_index(path, offsets, beside=beside)
    lines = SeekableLines.open(path, _nobody)
    assert (len(lines), lines.line(999).decode()) == (1000, ROWS[-1])


def test_a_long_index_in_the_last_line_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the search from the end, over pieces of the file, and against reading all of it."""
    monkeypatch.setattr("svlm_cli.jsonl.seeks._AT_ONCE", 100)
    path, offsets = _written(tmp_path, ROWS)
    _with_index(path, offsets, beside=False)
    monkeypatch.setattr("svlm_cli.jsonl.seeks._found", lambda path: _nobody(str(path)))
    assert SeekableLines.open(path, _nobody).line(500).decode() == ROWS[500]


def test_without_an_index_lines_are_looked_for_and_it_is_said(tmp_path: Path) -> None:
    """Guards files of one's own; blank lines are no rows."""
    path, _ = _written(tmp_path, [*ROWS[:3], "", *ROWS[3:5]])
    said: list[str] = []
    lines = SeekableLines.open(path, said.append)
    assert said == [f"{path} has no seek index, so all of it is read once to find its lines."]
    assert [lines.line(number).decode() for number in range(len(lines))] == ROWS[:5]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda offsets: offsets[:-1], "line 999 is not at byte"),
        (lambda offsets: [*offsets, offsets[-1] + 5], "line 1001 is not at byte"),
        (lambda offsets: [*offsets[:400], *(offset + 1 for offset in offsets[400:])], "is not at byte"),
        (lambda offsets: offsets[1:], "it does not begin with the first line"),
        (lambda offsets: [*offsets[:2], *offsets[1:]], "line 4 begins before line 3|line 3 begins before line 2"),
        (lambda offsets: [0.5, *offsets[1:]], "it is not a list of whole numbers"),
        (lambda offsets: [*offsets[:-1], 10**30], "it is not a list of whole numbers"),
        (lambda offsets: [], "it does not begin with the first line"),
    ],
)
def test_a_stale_index_is_named(tmp_path: Path, change: object, fault: str) -> None:
    """Guards whoever has changed a file and not its index: half of a row is no row."""
    assert callable(change)
    path, offsets = _written(tmp_path, ROWS)
    _with_index(path, change(offsets), beside=True)
    with pytest.raises(
        StaleIndexError, match=rf"train_seeks.jsonl is not an index of .*train_with_seeks.jsonl: .*({fault})"
    ):
        SeekableLines.open(path, _nobody)


def test_a_line_that_is_not_tried_at_first_is_checked_when_it_is_read(tmp_path: Path) -> None:
    """Guards two changes that make up for each other: the rows between them have moved."""
    rows = list(ROWS)
    path, offsets = _written(tmp_path, rows)
    rows[1], rows[2] = rows[1] + " " * 3, rows[2].replace(" ", "")  # three bytes, from the one to the other
    _written(tmp_path, rows)
    _with_index(path, offsets, beside=True)
    lines = SeekableLines.open(path, _nobody)
    with pytest.raises(StaleIndexError, match="line 3 is not at byte"):
        lines.line(2)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Guards against an empty data set that goes unnoticed."""
    with pytest.raises(InputError, match=r"gone.jsonl cannot be read: No such file"):
        SeekableLines.open(tmp_path / "gone.jsonl", _nobody)


def test_its_name_is_the_published_one() -> None:
    """Guards the loaders of others, which look for that name."""
    assert index_of(Path("d/train_s12w24_with_seeks.jsonl")) == Path("d/train_s12w24_seeks.jsonl")
    assert index_of(Path("d/train.jsonl")) == Path("d/train_seeks.jsonl")


def test_a_record_is_no_index() -> None:
    """Guards the last line of a file that has none."""
    assert not is_index(b'[{"role": "user"}]')
    assert not is_index(b"{}")
    assert is_index(b" [ 0]") and is_index(b"[]")  # noqa: PT018
