"""Several processes of one command: what is refused before they start, and what is said when they have ended."""

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import typer

from svlm_cli.commands import ranks, train
from svlm_cli.commands.app import main
from svlm_cli.commands.messages import ExitCode
from svlm_cli.compute import device
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.training.recipe import dump
from tests.conftest import environment
from tests.training.recipes import small_recipe

TRAIN = ("train", "tiny.toml", "-o", "out")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[str]]]:
    """What would be started, beside a recipe of six windows a step."""
    found: list[tuple[int, list[str]]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "start", lambda count, arguments: found.append((count, arguments)))
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


@pytest.mark.parametrize(
    ("codes", "ends_with"),
    [
        ({1: ExitCode.INPUT, 0: ExitCode.TERMINATED}, ExitCode.INPUT),  # 1 has said why
        ({0: ExitCode.BUG, 1: -signal.SIGKILL}, ExitCode.BUG),  # 1 did not listen
        ({0: ExitCode.TERMINATED, 1: ExitCode.TERMINATED}, ExitCode.TERMINATED),
    ],
)
def test_the_end_is_that_of_the_process_that_knows_why(codes: dict[int, int], ends_with: int) -> None:
    """Guards the exit code: that of the error, not those of processes that it took along."""
    with pytest.raises(typer.Exit) as ended:
        ranks._conclude(codes, 2)
    assert ended.value.exit_code == ends_with


def test_a_process_that_was_killed_is_named() -> None:
    """Guards an end that nobody else could tell."""
    with pytest.raises(SvlmError, match=r"Process 2 of 4 was killed \(SIGSEGV\)"):
        ranks._conclude({0: ExitCode.TERMINATED, 1: -signal.SIGSEGV}, 4)


@pytest.mark.parametrize(
    ("rank", "error", "waits"),
    [("0", UsageError("No."), []), ("0", RuntimeError(), [5.0]), ("1", UsageError("No."), [11.0])],
)
def test_an_error_waits_for_that_of_the_first_process(
    monkeypatch: pytest.MonkeyPatch, rank: str, error: Exception, waits: list[float]
) -> None:
    """Guards against one error that every process tells: whoever waits is ended by the launcher meanwhile."""
    waited: list[float] = []
    monkeypatch.setattr(ranks, "_end_with", lambda launcher: None)
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    with pytest.raises(type(error)), ranks.as_rank():
        raise error
    assert waited == waits


_DEAF = """
import ctypes
from svlm_cli.commands.signals import Terminated, ends_in_time, signals_raise
lock, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
with signals_raise(), ends_in_time(0.3):
    libc.pthread_mutex_lock(lock)
    try:
        print("deaf", flush=True)
        libc.pthread_mutex_lock(lock)
    except Terminated:  # it came a moment too early
        libc.pthread_mutex_lock(lock)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "pthread_mutex_lock"), reason="no such lock here")
def test_a_process_that_hears_nothing_ends_in_time() -> None:
    """Guards against a process that waits for a dead one in foreign code, where Python hears no signal."""
    with subprocess.Popen([sys.executable, "-c", _DEAF], env=environment(), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"deaf\n"
            process.send_signal(signal.SIGTERM)
            since = time.monotonic()
            assert process.wait(timeout=20) == ExitCode.TERMINATED
            assert time.monotonic() - since >= 0.3, "it may end in order first"
        finally:
            process.kill()
