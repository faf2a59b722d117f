"""Several processes of one command: what is said when they have ended."""

import ctypes
import signal
import subprocess
import sys
import time

import pytest

from svlm_cli.cli.messages import ExitCode
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.training import launching
from tests.conftest import environment


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
    assert launching.exit_code(codes, 2) == ends_with


def test_a_process_that_was_killed_is_named() -> None:
    """Guards an end that nobody else could tell."""
    with pytest.raises(SvlmError, match=r"Process 2 of 4 was killed \(SIGSEGV\)"):
        launching.exit_code({0: ExitCode.TERMINATED, 1: -signal.SIGSEGV}, 4)


@pytest.mark.parametrize(
    ("rank", "error", "waits"),
    [("0", UsageError("No."), []), ("0", RuntimeError(), [5.0]), ("1", UsageError("No."), [11.0])],
)
def test_an_error_waits_for_that_of_the_first_process(
    monkeypatch: pytest.MonkeyPatch, rank: str, error: Exception, waits: list[float]
) -> None:
    """Guards against one error that every process tells: whoever waits is ended by the launcher meanwhile."""
    waited: list[float] = []
    monkeypatch.setattr(launching, "_end_with", lambda launcher: None)
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    with pytest.raises(type(error)), launching.as_rank():
        raise error
    assert waited == waits


_DEAF = """
import ctypes
from svlm_cli.core.signals import Terminated, ends_in_time, signals_raise
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
            assert process.wait(timeout=60) == ExitCode.TERMINATED
            assert time.monotonic() - since >= 0.3, "it may end in order first"
        finally:
            process.kill()
