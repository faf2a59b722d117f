"""``svlm eval commentary timeliness``: a table for people, JSON for programs."""

import json
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from tests.evals.benchmarks.miniature import chunk, clip, write_lines
from tests.evals.benchmarks.test_commentary_timeliness import CONTENT, ITEMS


def test_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards stdout, which is data alone, and what people should know, which goes to stderr."""
    rows = [clip(f"Football/v{one}.mp4", CONTENT) for one in range(2)]
    annotations = write_lines(tmp_path / "annotations.jsonl", rows)
    predictions = write_lines(tmp_path / "predictions.jsonl", [chunk("v0.mp4", 0, 100, ITEMS)])
    asked = ["eval", "commentary", "timeliness", str(predictions), "--annotations", str(annotations)]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    table = [line.split() for line in out.splitlines()]
    assert ["never", "0.200"] in [row[:2] for row in table]
    assert ["late", "0.000", "1.000", "0.000"] in table, "the controls"
    assert err == "svlm: 1 of 2 videos are left out: the predictions do not cover them.\n"
    predictions.write_text(predictions.read_text() + '{"video": "v1')
    assert main([*asked, "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["eval"], report["videos"], report["left_out"]) == ("timeliness", 1, 1)
    assert report["timeliness"]["overall"]["f1"]["value"] == 0.4
    assert report["timeliness"]["overall"]["delay_s"]["median"] == pytest.approx(0.125)
    assert [len(report["timeliness"]["fifths"]), report["controls"]["shifted"]["late"]] == [5, 1]
    assert "The last line of" in err
    assert main([*asked[:-1], str(tmp_path / "absent.jsonl")]) == 3
    assert "absent.jsonl cannot be read" in capsys.readouterr().err
