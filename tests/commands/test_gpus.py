"""`svlm train --gpus`: what is refused before processes start, and the options that they get."""

from pathlib import Path

import pytest
import torch

from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands.app import main
from svlm_cli.compute import device
from svlm_cli.training import launching
from svlm_cli.training.recipe import dump
from tests.training.recipes import small_recipe

TRAIN = ("train", "tiny.toml", "-o", "out")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[str]]]:
    """What would be started, beside a recipe of six windows a step."""
    found: list[tuple[int, list[str]]] = []
    monkeypatch.chdir(tmp_path)

    def start(count: int, arguments: list[str]) -> int:
        found.append((count, arguments))
        return 0

    monkeypatch.setattr(launching, "start", start)
    Path("tiny.toml").write_text(dump(small_recipe(batch=3, accumulate=2)), encoding="utf-8")
    return found


def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(device, "resolve_device", lambda name: torch.device("cuda" if name == "auto" else name))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--gpus", "3"), "--gpus 3 is more than there are: 2."),
        (("--gpus", "2", "--device", "cpu"), "--gpus 2 needs GPUs, and this run is on the CPU."),
        (("--gpus", "2", "--device", "cuda:1"), "--gpus takes the first GPUs that it sees, not cuda:1."),
    ],
)
def test_gpus_that_are_not_there_are_a_sentence(
    started: list[tuple[int, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    sentence: str,
) -> None:
    """Guards against processes that each find for themselves that they have no GPU."""
    _two_gpus(monkeypatch)
    assert main([*TRAIN, *options]) == ExitCode.USAGE
    told = capfd.readouterr().err
    assert told.startswith(f"svlm: {sentence}")
    assert len(told.splitlines()) == 1
    assert not started
    assert not Path("out").exists()


def test_a_step_that_cannot_be_shared_is_refused_before_anything_starts(
    started: list[tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards the global batch: it is the recipe's, whatever the number of processes."""
    _two_gpus(monkeypatch)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert main([*TRAIN, "--gpus", "4"]) == ExitCode.USAGE
    assert capfd.readouterr().err.startswith(
        "svlm: The 6 windows of a step (batch 3 x accumulate 2) cannot be shared evenly by 4 processes. "
    )
    assert not started
    assert not Path("out").exists()


def test_processes_get_the_options_of_the_command(
    started: list[tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards an option that one process knows, and those that do the work do not."""
    _two_gpus(monkeypatch)
    options = ("--resume", "--steps", "7", "--quiet", "--gpus", "2")
    assert main(["--debug", *TRAIN, *options]) == 0
    ours = ["--output", "out", "--device", "auto", "--steps", "7", "--resume", "--quiet"]
    assert started == [(2, ["--debug", "train", "tiny.toml", *ours])]


def test_another_number_than_the_launchers_is_refused(
    started: list[tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards against processes that start processes."""
    _two_gpus(monkeypatch)
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert main([*TRAIN, "--gpus", "2"]) == ExitCode.USAGE
    assert "svlm: --gpus says 2, but a launcher has started 3 processes. Leave out" in capfd.readouterr().err
    assert not started
