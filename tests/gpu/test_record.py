"""The record of the last run on a GPU."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.conftest import ROOT
from tests.gpu import record

STATS = {"": ["set up"] * 9, "passed": ["a", "b", "c"], "skipped": ["d"], "error": ["e"]}


@pytest.fixture
def reporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(record, "RECORD", tmp_path / "last_run.toml")
    monkeypatch.setenv("COMMIT", "0123abc")
    return SimpleNamespace(stats=STATS, write_line=lambda line: None)


def test_a_run_is_recorded(reporter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards counts and versions that are another run's, or that TOML cannot read."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    record.pytest_terminal_summary(reporter)
    found = tomllib.loads(record.RECORD.read_text(encoding="utf-8"))
    assert found.pop("date") == datetime.now(UTC).date()
    assert found.pop("versions")["torch"] == torch.__version__
    counts = {"passed": 3, "failed": 0, "error": 1, "skipped": 1}
    assert found == {"commit": "0123abc", "device": "NVIDIA H200", **counts}


def test_without_a_gpu_the_last_record_stays(reporter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    record.pytest_terminal_summary(reporter)
    assert not record.RECORD.exists()


def test_only_one_command_writes_it() -> None:
    """Guards against a record of a few tests, run by hand, that passes for one of all."""
    loading = "-p tests.gpu.record"
    assert [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if loading in line] == [
        f"\t$(BIN)/python -m pytest -m gpu {loading}"
    ]
    assert "tests.gpu.record" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
