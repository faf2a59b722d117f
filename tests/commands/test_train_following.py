"""`svlm train export` and `svlm train plot`: told from recipes, and their errors in a sentence. No training here."""

import json
from pathlib import Path

import pytest

from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands.app import main
from svlm_cli.training.recipe import dump
from tests.conftest import Svlm
from tests.training.recipes import small_recipe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_recipe_that_is_called_like_a_command_can_be_named(svlm_inside: Svlm, folder: Path) -> None:
    """Guards files called `export`: behind a path or an option it is the recipe."""
    (folder / "export").write_text("[optimisation]\nstep = 3", encoding="utf-8")
    for words in (("./export",), ("--device", "cpu", "export")):
        done = svlm_inside("train", *words)
        assert done.returncode == ExitCode.USAGE
        assert "unknown key 'optimisation.step'" in done.stderr
    assert "Missing argument 'RUN'" in svlm_inside("train", "export").stderr


def test_help_lists_what_may_follow(svlm_inside: Svlm) -> None:
    """Guards who looks for them: in the help of the command, each with a help of its own."""
    lines = [line.strip() for line in svlm_inside("train", "--help").stdout.splitlines()]
    commands = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in commands if line] == ["export", "plot"]
    assert "Usage: svlm train export [OPTIONS]" in svlm_inside("train", "export", "--help").stdout
    assert "svlm train export\\fR" in svlm_inside("man", "train", "export").stdout
    assert "svlm train plot\\fR" in svlm_inside("man", "train").stdout


def test_a_configuration_may_have_tables_of_both(
    svlm_inside: Svlm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards `[train.export]` against being taken for an option of `svlm train`, and slips against being none."""
    (folder / "config.toml").write_text("[train]\ndevice = 'cpu'\n[train.export]\n", encoding="utf-8")
    monkeypatch.setenv("SVLM_CONFIG", str(folder / "config.toml"))
    assert "gone.toml cannot be read" in svlm_inside("train", "gone.toml").stderr
    assert "gone holds no run" in svlm_inside("train", "export", "gone", "-o", "out").stderr
    assert svlm_inside("config").returncode == 0
    (folder / "config.toml").write_text("[train.exprot]\n", encoding="utf-8")
    assert "unknown key 'train.exprot'" in svlm_inside("train", "gone.toml").stderr


def test_a_run_without_a_state_is_a_sentence(svlm_inside: Svlm, folder: Path) -> None:
    """Guards who asks too early."""
    (folder / "run").mkdir()
    (folder / "run" / "recipe.toml").write_text(dump(small_recipe(4)), encoding="utf-8")
    done = svlm_inside("train", "export", "run", "-o", "out")
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr == (
        "svlm: The run in run has no state yet: the first one is saved after step 2. "
        "Go on with `svlm train --resume`, or wait.\n"
    )


def test_logs_that_are_none_are_a_sentence(svlm_inside: Svlm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards names, empty logs, other files, and formats that no picture has."""
    (folder / "good.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}) + "\n")
    (folder / "bytes").write_bytes(b"\xff\xfe")
    (folder / "empty").mkdir()
    (folder / "empty" / "log.jsonl").write_text("")
    for log, said in (
        ("gone", "gone cannot be read as a log"),
        ("bytes", "bytes cannot be read as a log"),
        ("empty", "empty/log.jsonl has no step yet"),
    ):
        done = svlm_inside("train", "plot", "good.jsonl", log, "-o", "a.png")
        assert (done.returncode, done.stdout) == (ExitCode.INPUT, "")
        assert said in done.stderr
    assert svlm_inside("train", "plot", "good.jsonl", "-o", "a.jpg").returncode == ExitCode.USAGE
    assert not (folder / "a.png").exists()


@pytest.mark.parametrize(("begun", "offered"), [("", []), ("ex", ["export"]), ("rec", [])])
def test_tab_offers_them_once_they_are_begun(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], begun: str, offered: list[str]
) -> None:
    """Guards recipes, which are what the shell completes else."""
    monkeypatch.setenv("_SVLM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"svlm train {begun}")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert main([]) == 0
    assert capsys.readouterr().out.split() == offered
    monkeypatch.setenv("COMP_WORDS", "svlm train export run --st")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert main([]) == 0
    assert capsys.readouterr().out.split() == ["--step"]
