"""LiveSports-3K CC: its events in each form, and predictions of them."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.evals.benchmarks.livesports import EventPrediction, EventPredictionFile, read_events, read_predictions
from tests.evals.benchmarks.miniature import event, prediction, write_lines

ROWS = [event("v1", "0", "A shot."), {**event("v2", "0", "A pass."), "event_id": 0}]


def test_lines_and_a_list_are_the_same_events(tmp_path: Path) -> None:
    """Guards both forms, and ids that are numbers in some files: an id belongs to its video."""
    listed = tmp_path / "events.json"
    listed.write_text(json.dumps(ROWS, indent=1))
    found = read_events(write_lines(tmp_path / "events.jsonl", ROWS))
    assert found == read_events(listed)
    assert [one.key for one in found] == [("v1", "0"), ("v2", "0")]
    assert (found[0].begin_s, found[0].end_s, found[0].event_title) == (10, 20.5, "A goal")
    assert (found[0].preasr_text, found[0].event_asr_text) == ("Here they come.", "A shot.")


@pytest.mark.extra
def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [event("v1", "0", "A shot."), event("v2", "0", "A pass.")]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "events.parquet")
    assert read_events(tmp_path / "events.parquet") == read_events(write_lines(tmp_path / "events.jsonl", rows))
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "events.parquet").read_bytes()[:-50])
    with pytest.raises(InputError, match=r"torn\.parquet cannot be read as Parquet"):
        read_events(tmp_path / "torn.parquet")


def test_parquet_without_pyarrow_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards who has the hub's own file and not the package that reads it."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "svlm_cli.evals.benchmarks.rows.find_spec",
        lambda name: None if name == "pyarrow" else find_spec(name),
    )
    (tmp_path / "events.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="needs pyarrow to be read"):
        read_events(tmp_path / "events.parquet")


def test_predictions_are_found_by_event(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [prediction("v1", "0", "Ho."), prediction("v1", "1", "")])
    found, notice = read_predictions(path)
    assert {key: one.pred for key, one in found.items()} == {("v1", "0"): "Ho.", ("v1", "1"): ""}
    assert found["v1", "0"].to_json() == prediction("v1", "0", "Ho.")
    assert notice == ""
    path.write_bytes(path.read_bytes()[:-9])
    found, notice = read_predictions(path)
    assert [*found] == [("v1", "0")]
    assert "is incomplete" in notice


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"begin": "1"}, "begin must be a number, not '1'"),
        ({"event_id": None}, "event_id must be a text, not None"),
        ({"event_asr_text": 4}, "event_asr_text must be a text, not 4"),
        ({"event_id": "0"}, "repeats the event '0' of the video 'v1'"),
    ],
)
@pytest.mark.parametrize("form", ["lines", "list"])
def test_a_row_that_is_no_event_is_named(tmp_path: Path, change: dict[str, Any], said: str, form: str) -> None:
    rows = [event("v1", "0", "A shot."), {**event("v1", "1", "A pass."), **change}]
    path = tmp_path / "events"
    if form == "lines":
        write_lines(path, rows)
    else:
        path.write_text(json.dumps(rows))
    with pytest.raises(InputError, match=rf"Line 2 of .*events .*{said}"):
        read_events(path)


def test_a_run_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    """Guards hours of work: what a killed writer left is dropped, all before it stays."""
    path, said = tmp_path / "a.jsonl", [EventPrediction("v1", str(one), 1.0, 2.5, "Ho\u2028.") for one in range(3)]
    with EventPredictionFile(path) as file:
        for one in said[:2]:
            file.append(one)
    path.write_bytes(path.read_bytes()[:-9])
    with EventPredictionFile(path) as file:
        assert [file.is_done(one.key) for one in said] == [True, False, False]
        assert "is incomplete" in file.notice
        for one in said[1:]:
            file.append(one)
        assert all(file.is_done(one.key) for one in said)
    assert [*read_predictions(path)[0].values()] == said
    path.write_text("notes\n")
    with pytest.raises(InputError, match="Line 1"):
        EventPredictionFile(path)


def test_a_prediction_twice_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [prediction("v1", "0", "Ho."), prediction("v1", "0", "Hm.")])
    with pytest.raises(InputError, match=r"Line 2 of .*repeats the event"):
        read_predictions(path)
