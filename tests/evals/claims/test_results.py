"""Rows as files: what is read is what was written, and what is no row is told from one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from svlm_cli.core.errors import InputError, OutputError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.evals.claims.results import RowResult, dump, is_measured, merge, read_results, row_file
from tests.evals.claims.rows import result, setting


def kept(folder: Path, *results: RowResult) -> Path:
    folder.mkdir(exist_ok=True)
    for one in results:
        row_file(folder, one.setting.row).write_text(dump(one), encoding="utf-8")
    return folder


def test_a_row_survives_its_file(tmp_path: Path) -> None:
    """Guards every value: the page is made of what was read back, on another machine and another day."""
    full = result("full", [5, 4, 3, 2, 0], ended_at_s=[250.0, 240.0], round_s=(0.1, None, None, None, None))
    folder = kept(tmp_path / "results", full, result("streaming", [8] * 5))
    (folder / "notes.json").write_text("not a row")
    found = merge(folder)
    assert list(found) == ["streaming", "full"], "in the order of the table"
    again = found["full"]
    assert (again.setting, again.place, again.report) == (full.setting, full.place, json.loads(dump(full))["report"])
    assert np.array_equal(again.by_minute, full.by_minute)
    assert again.overall == full.overall
    assert again.ended_at_s == (240.0, 250.0)
    assert again.round_s_by_fifth == (0.1, None, None, None, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.pop("report"),
        lambda raw: raw.update(report=[]),
        lambda raw: raw["report"]["scores"]["overall"].pop("event_f1"),
        lambda raw: raw["report"]["scores"]["overall"].update(event_f1={"value": "much", "low": 0, "high": 0}),
        lambda raw: raw["report"]["scores"]["fifths"].pop(),
        lambda raw: raw["report"].update(timing=None),
        lambda raw: raw["report"].update(ended=[{}]),
        lambda raw: raw["by_minute"].pop(),
        lambda raw: raw.update(by_minute=[[["x"]]]),
        lambda raw: raw["setting"].update(row="window"),
        lambda raw: raw["setting"].update(seconds="long"),
        lambda raw: raw["setting"]["policy"]["windows"].update(sink=1),
        lambda raw: raw["place"].update(model=7),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Any) -> None:
    """Guards the merge of many machines' files: one sentence that says which, and no traceback."""
    folder = kept(tmp_path / "results", result("full", [5] * 5))
    raw = json.loads((folder / "full.json").read_text())
    damage(raw)
    (folder / "full.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match=r"full\.json"):
        read_results(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", "[" * 100_000])
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "full.json").write_text(text)
    with pytest.raises(InputError, match=r"full\.json is not a result"):
        read_results(tmp_path)


def test_folders_without_rows(tmp_path: Path) -> None:
    assert read_results(tmp_path / "absent") == {}
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match="holds no measured rows"):
            merge(folder)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="is not a folder of results"):
        merge(file)


def test_rows_that_do_not_belong_together_are_not_merged(tmp_path: Path) -> None:
    other = StreamPolicy(chunk_seconds=2.0)
    with pytest.raises(UsageError, match="has a model with another policy than"):
        merge(kept(tmp_path, result("streaming", [8] * 5), result("window", [8] * 5, base=other)))


def test_a_row_is_there_only_as_it_is_wanted(tmp_path: Path) -> None:
    """Guards against the number of another setting under this one's name."""
    there = {"full": result("full", [5] * 5)}
    assert is_measured(there, setting("full"), tmp_path)
    assert not is_measured(there, setting("window"), tmp_path)
    for wanted, word in (
        (setting("full", seconds=60), "length"),
        (setting("full", seed=1), "seed"),
        (setting("full", matches=1), "number of matches"),
        (setting("full", base=StreamPolicy(chunk_seconds=2.0)), "policy"),
    ):
        with pytest.raises(OutputError, match=rf"full\.json was measured with another {word}\. .*--overwrite"):
            is_measured(there, wanted, tmp_path)
