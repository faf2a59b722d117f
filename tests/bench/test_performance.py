"""docs/performance.md: its tables are what was measured, and the script that measures names commands that exist."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bench.performance import FOLDER, PAGE, TABLES, named, written
from tests.test_docs import svlm_fault


def test_the_page_has_what_was_measured() -> None:
    """Guards figures that somebody typed, or forgot when the files changed."""
    page = PAGE.read_text(encoding="utf-8")
    assert sorted(named(page)) == sorted(TABLES)
    assert written(page, FOLDER) == page, "run .venv/bin/python -m tests.bench.performance"


def test_a_row_that_is_measured_anew_changes_its_table_alone(tmp_path: Path) -> None:
    """Guards a generator that looks at other fields than the text says: here the median with full windows."""
    folder = shutil.copytree(FOLDER, tmp_path / "performance")
    path = folder / "latency-8-256.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    report["setting"]["versions"] = {"svlm": "9.9", "torch": "2.99", "driver": "600"}
    report["results"][0] |= {"round_s_full": 0.125, "round_s_median": 7.0, "round_s_second_minute": 8.0}
    path.write_text(json.dumps(report), encoding="utf-8")
    assert "| 8 FPS, 256 tokens | 1.189 | 0.125 |" in TABLES["seconds"](folder)
    assert "| 8.0 |" in TABLES["seconds"](folder)
    assert "- NVIDIA H200, driver 600, svlm 9.9, torch 2.99, bfloat16." in TABLES["where"](folder)
    others = TABLES.keys() - {"seconds", "where"}
    assert all(TABLES[name](folder) == TABLES[name](FOLDER) for name in others)


def test_live_streams_are_told_with_what_was_lost(tmp_path: Path) -> None:
    result = {
        "streams": 48, "rounds": 1900, "dropped": 20, "latency_s_median": 0.4, "latency_s_p99": 0.7,
        "cpu_cores_svlm": 2.0, "cpu_cores_decoding": 6.5,
    }  # fmt: skip
    report = {"setting": {"versions": {}, "cpus": 16}, "results": [result]}
    (tmp_path / "decode-48.json").write_text(json.dumps(report), encoding="utf-8")
    row = "| 48 | 720p H.264, decoded | 400 | 700 | 20 of 1920 | 2.0 + 6.5 of 16 |"
    assert row in TABLES["live"](tmp_path).splitlines()


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """A program that notes what it is asked for; it fails where it is asked for 56 frames a second."""
    program = tmp_path / "svlm"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$0.said"\ncase "$*" in *" --json") echo "{}";; *) echo a table;; esac\n'
        'echo progress >&2\ncase "$*" in *"--fps 56"*) exit 3;; esac\n'
    )
    program.chmod(0o755)
    return program


def measure(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = ["bash", str(FOLDER / "measure.sh"), str(program.parent / "out"), *words]
    environment = {**os.environ, "SVLM": str(program), "COMMIT": "abc", "WEIGHTS": "my-7b", "QUICK": ""}
    return subprocess.run(script, env=environment, capture_output=True, text=True, check=False)


def test_the_script_asks_for_what_svlm_can(said: Path) -> None:
    """Guards minutes of a GPU against an option that was renamed, and against one failure that ends all."""
    done = measure(said)
    asked = said.with_name("svlm.said").read_text().splitlines()
    assert [line for line in asked if svlm_fault(shlex.split(line))] == []
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "Failed: fps-56"
    rows = {path.stem for path in (said.parent / "out").glob("*.json")} - {"about"}
    pictured = {path.stem for path in FOLDER.glob("*.json")} - {"streams-56", "about"}
    assert pictured - {"fps-56"} <= rows
    assert all(json.loads((said.parent / "out" / f"{row}.json").read_text()) == {} for row in rows)
    assert (said.parent / "out" / "step-1.log").read_text() == "progress\n"
    assert not list((said.parent / "out").glob("*.part")), "nor half a row of the one that failed"
    assert json.loads((said.parent / "out" / "about.json").read_text())["commit"] == "abc"


def test_parts_are_measured_alone_and_once(said: Path) -> None:
    """Guards a second call, after a machine was lost, against beginning anew."""
    assert measure(said, "latency-2", "step-1").returncode == 0
    rows = {path.stem for path in (said.parent / "out").glob("*.json")} - {"about"}
    assert rows == {"latency-2-256", "latency-2-768", "step-1", "step-1-fp8"}
    before = said.with_name("svlm.said").read_text()
    assert "step-1: there already" in measure(said, "step-1").stdout
    assert said.with_name("svlm.said").read_text() == before
