"""``svlm eval match``: a table for people, JSON for programs, and no score that a control does not back."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.match import matched
from svlm_cli.evals.script import write_script
from tests.conftest import Svlm
from tests.evals.scripts import caption_file

SECONDS = 60
SEED = 20


def scores(report: dict[str, Any]) -> dict[str, float | None]:
    return {name: one["value"] for name, one in report["scores"]["overall"].items()}


def test_a_model_is_scored(svlm_inside: Svlm, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """From a seed to the report; what was said is kept, and scored again it scores the same."""
    setting = (
        "--matches",
        "2",
        "--minutes",
        "0.5",
        "--seed",
        str(SEED),
        "--fps",
        "2",
        "--mode",
        "streaming",
        "--altered",
        "rotated",
    )
    done = svlm_inside("eval", "match", "--model", tiny_checkpoint, *setting, "--save", "said", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["eval"] == "match"
    assert report["setting"]["matches"] == 2
    assert report["setting"]["minutes"] == 0.5
    assert report["setting"]["altered"] == "rotated"
    assert scores(report)["event_f1"] == 0
    assert set(report["controls"]["reference"].values()) <= {1.0, None}
    assert len(report["scores"]["fifths"]) == 5
    timely = report["timeliness"]
    assert timely["overall"]["never"]["value"] == 1
    assert [len(timely["fifths"]), timely["controls"]["empty"]["never"]] == [5, 1]
    assert report["timing"]["rounds"] == 30
    assert report["ended"] == []
    assert "30 of 30 rounds" in done.stderr
    files = sorted((tmp_path / "said").iterdir())
    assert [path.name for path in files] == [f"match-{SEED}.jsonl", f"match-{SEED + 1}.jsonl"]
    again = svlm_inside(
        "eval", "match", "--predictions", files[0], "--predictions", files[1], "--seed", str(SEED), "--json"
    )
    assert json.loads(again.stdout)["scores"] == report["scores"]


def test_people_see_a_table_and_no_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the screen against a line of 4,000 characters below the table; and who wants errors alone."""
    path = caption_file(tmp_path / "exact.jsonl", write_script(SEED, SECONDS).texts)
    assert main(["eval", "match", "--predictions", str(path), "--seed", str(SEED)]) == 0
    told = capsys.readouterr()
    assert any(line.split()[:2] == ["event", "f1"] for line in told.out.splitlines())
    assert "{" not in told.out
    assert told.err == "svlm: 1 of 1 scripts\n"
    assert main(["eval", "match", "--predictions", str(path), "--seed", str(SEED), "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert (quiet.out, quiet.err) == (told.out, "")


def test_what_was_saved_before_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards an hour's work against the next run, and the next run against finding out at its end."""
    caption_file(tmp_path / "match-4.jsonl", ("",))
    asked = ["eval", "match", "--model", "nobody", "--matches", "3", "--seed", "3", "--save", str(tmp_path)]
    assert main(asked) == 2
    assert "match-4.jsonl exists" in capsys.readouterr().err


def test_a_caption_file_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the way of a match through a video file: the reference scores 1, late it does not."""
    texts = write_script(SEED, SECONDS).texts
    exact = caption_file(tmp_path / "exact.jsonl", texts)
    late = caption_file(tmp_path / "late.jsonl", ("", "", *texts[:-2]))
    found = []
    for path in (exact, late):
        assert main(["eval", "match", "--predictions", str(path), "--seed", str(SEED), "--json"]) == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1, "one document, and nothing else"
        found.append(json.loads(out))
    assert set(scores(found[0]).values()) <= {1.0, None}
    assert scores(found[0])["event_f1"] == 1
    f1 = scores(found[1])["event_f1"]
    assert f1 is not None
    assert f1 < 0.5
    assert found[0]["timing"] is None
    assert main(["eval", "match", "--predictions", str(exact), "--seed", str(SEED + 1), "--json"]) == 0
    f1 = scores(json.loads(capsys.readouterr().out))["event_f1"]
    assert f1 is not None
    assert f1 < 0.5, "another match's commentary is not this one's"


def test_a_file_may_be_shorter_than_its_match(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a commentary that broke off and is scored only as far as it got."""
    half = caption_file(tmp_path / "half.jsonl", write_script(SEED, SECONDS // 2).texts)
    asked = ["eval", "match", "--predictions", str(half), "--seed", str(SEED), "--json"]
    assert main(asked) == 0
    assert scores(json.loads(capsys.readouterr().out))["event_recall"] == 1
    assert main([*asked, "--minutes", str(SECONDS / 60)]) == 0
    recall = scores(json.loads(capsys.readouterr().out))["event_recall"]
    assert recall is not None
    assert 0.2 < recall < 0.8


def test_a_control_that_does_not_hold_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against scores that nobody can trust: nothing on stdout, a sentence, and a code."""
    path = caption_file(tmp_path / "exact.jsonl", write_script(SEED, SECONDS).texts)
    monkeypatch.setattr(matched, "__defaults__", (4.0,))
    assert main(["eval", "match", "--predictions", str(path), "--seed", str(SEED)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "svlm: A control of the evaluation failed: the reference 3 s late has event_f1" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "x", "--minutes", "0"], 2, "0 minutes is not a valid length"),
        (["--model", "x", "--minutes", "nan"], 2, "nan minutes is not a valid length"),
        (["--model", "x", "--matches", "0"], 2, "--matches"),
        (["--model", "nobody"], 4, "nobody"),
        (["--predictions", "absent.jsonl"], 3, "absent.jsonl"),
        (["--predictions", "absent.jsonl", "--save", "x"], 2, "--save"),
        (["--predictions", "absent.jsonl", "--model", "x"], 2, "--model"),
        (["--predictions", "absent.jsonl", "--altered", "grey"], 2, "--altered"),
        (["--altered", "upside-down"], 2, "upside-down"),
    ],
)
def test_requests_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(["eval", "match", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
