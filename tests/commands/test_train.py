"""`svlm train` as a user runs it: a recipe in, a checkpoint out, errors in a sentence, nothing on stdout."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands.app import main
from svlm_cli.training.recipe import dump
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.conftest import Svlm
from tests.training.recipes import small_recipe

pytestmark = pytest.mark.extra


def test_a_recipe_becomes_a_checkpoint(svlm: Svlm, tmp_path: Path) -> None:
    """Guards the whole command: steps from the option, lines on stderr, the folder beside the recipe."""
    (tmp_path / "tiny.toml").write_text(dump(small_recipe(50)), encoding="utf-8")
    done = svlm("train", "tiny.toml", "--steps", "2", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("step 1/2  loss ")
    assert done.stderr.splitlines()[-1].endswith("tiny: done at step 2.")
    assert len(done.stderr.splitlines()) == 3
    files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tiny").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "policy.toml", "recipe.toml", "README.md"} <= set(
        files
    )
    assert set(files.values()) == {(tmp_path / "tiny.toml").stat().st_mode & 0o777}, "others may read what is shared"


def test_a_quiet_run_says_nothing(svlm: Svlm, tmp_path: Path) -> None:
    """Guards who wants errors alone: the log in the output folder has the figures."""
    (tmp_path / "tiny.toml").write_text(dump(small_recipe(2)), encoding="utf-8")
    done = svlm("train", "tiny.toml", "--device", "cpu", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "tiny" / "log.jsonl").read_text() != ""


def test_an_output_that_can_be_no_folder_is_a_sentence(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards against a traceback, and against the advice to resume a file."""
    (tmp_path / "tiny.toml").write_text(dump(small_recipe()), encoding="utf-8")
    for output in ("tiny.toml", "tiny.toml/run"):
        done = svlm_inside("train", "tiny.toml", "-o", output, "--device", "cpu")
        assert done.returncode == ExitCode.FAILED
        assert done.stderr == f"svlm: {output} cannot be made a folder. Name another --output.\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[optimisation]\nstep = 3", "svlm: recipe.toml: unknown key 'optimisation.step'."),
        ('[model]\nbase = "nobody"', "svlm: No model is called 'nobody'."),
        ('[model]\ntokenizer = "gone"', "has no tokenizer.json."),
    ],
)
def test_a_recipe_that_cannot_be_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    """Guards against tracebacks for a slip of the pen."""
    monkeypatch.chdir(tmp_path)
    Path("recipe.toml").write_text(text, encoding="utf-8")
    assert main(["train", "recipe.toml", "-o", "out", "--device", "cpu"]) in {ExitCode.USAGE, ExitCode.MODEL}
    told = capfd.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1
    assert not Path("out").exists(), "what was begun would only be in the way"


def test_a_full_disk_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards a long run: what it has learned is kept, the sentence says how to go on, and a retry works."""
    from svlm_cli.training import folder as run_folder
    from svlm_cli.training import trainer

    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(dump(small_recipe(4)), encoding="utf-8")
    real = trainer.WindowTrainer._save_checkpoint
    monkeypatch.setattr(trainer.WindowTrainer, "_save_checkpoint", full_after(real, 1))
    assert main(["train", "tiny.toml", "-o", "out", "--device", "cpu"]) == ExitCode.FAILED
    assert capfd.readouterr().err.splitlines()[-1] == (
        "svlm: The disk of out is full. Make room, and go on with --resume."
    )
    monkeypatch.setattr(trainer.WindowTrainer, "_save_checkpoint", full_after(real, 99))
    assert main(["train", "tiny.toml", "-o", "out", "--device", "cpu", "--resume"]) == 0
    monkeypatch.setattr(run_folder, "begin", full_after(None, 0))
    assert main(["train", "tiny.toml", "-o", "new", "--device", "cpu"]) == ExitCode.FAILED
    assert capfd.readouterr().err.splitlines()[-1] == "svlm: The disk of new is full. Make room, and start again."
    assert not Path("new").exists()


def full_after(real: Any, calls: int) -> Any:
    """As `real`, so many times; then the disk is full."""
    left = [calls]

    def write(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    return write


def test_what_it_has_said_can_be_drawn(svlm: Svlm, tmp_path: Path) -> None:
    """Guards the curves of a run, while it runs and afterwards, beside another run's."""
    (tmp_path / "tiny.toml").write_text(dump(small_recipe(2)), encoding="utf-8")
    done = svlm("train", "tiny.toml", "--device", "cpu", "--plot", "curves/tiny.svg", "--tensorboard", "board")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "norm of the gradient" in (tmp_path / "curves" / "tiny.svg").read_text()
    assert len(list((tmp_path / "board").glob("events.*"))) == 1
    assert set(json.loads((tmp_path / "tiny" / "log.jsonl").read_text().splitlines()[0])) >= {"tflops_per_s"}
    done = svlm("train", "plot", "tiny", "tiny/log.jsonl", "-o", "both.png")
    assert (done.returncode, done.stdout, done.stderr) == (0, "both.png\n", "")
    assert (tmp_path / "both.png").stat().st_size > 1000


def test_a_dry_run_tells_and_trains_nothing(svlm: Svlm, tmp_path: Path) -> None:
    """Guards a plan: figures for people and for programs, on more GPUs than there are, and no folder."""
    recipe = replace(small_recipe(50), validation=ValidationRecipe(every=20, windows=9))
    (tmp_path / "tiny.toml").write_text(dump(recipe), encoding="utf-8")
    table = svlm("train", "tiny.toml", "--dry-run", "--gpus", "2")
    assert (table.returncode, table.stderr) == (0, "")
    assert "memory of a GPU, at the peak" in table.stdout
    assert "and, 3 times, 9 windows of validation (videos apart)" in table.stdout
    found = svlm("train", "tiny.toml", "--dry-run", "--gpus", "2", "--json", "--tflops", "2")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert (told["gpus"], told["steps"], told["windows_per_step"]) == (2, 50, 2)
    assert told["hours"] == pytest.approx(50 * told["flops_per_step"] / 4e12 / 3600)
    assert told["validation_hours"] == pytest.approx(3 * told["validation"]["flops"] / 4e12 / 3600)
    parts = [size for name, size in told["budget"].items()]
    assert told["peak_bytes"] == pytest.approx(sum(parts))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--json"], "svlm: --json would do nothing: it is for --dry-run. Leave it out.\n"),
        (["--tflops", "9"], "svlm: --tflops would do nothing: it is for --dry-run. Leave it out.\n"),
        (
            ["--dry-run", "--resume"],
            "svlm: --resume would do nothing: with --dry-run nothing is trained. Leave it out.\n",
        ),
        (
            ["--dry-run", "--plot", "curves.svg"],
            "svlm: --plot would do nothing: with --dry-run nothing is trained. Leave it out.\n",
        ),
        (
            ["--dry-run", "--tensorboard", "board"],
            "svlm: --tensorboard would do nothing: with --dry-run nothing is trained. Leave it out.\n",
        ),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    svlm_inside: Svlm, tmp_path: Path, options: list[str], sentence: str
) -> None:
    """Guards whoever thinks that a run was planned, or resumed."""
    (tmp_path / "tiny.toml").write_text(dump(small_recipe()), encoding="utf-8")
    done = svlm_inside("train", "tiny.toml", *options)
    assert (done.returncode, done.stderr) == (ExitCode.USAGE, sentence)
