"""Programs that svlm starts end with it, whoever started them, and know nothing that they need not know."""

import os
import signal

import psutil
import pytest

from svlm_cli.core.process import SECRETS, run, start
from tests.processes import ends, starting

STARTS = """
import os, signal, sys, threading
from svlm_cli.core.process import start
def begin():
    pid = start(["sleep", "600"]).pid
    print(pid, flush=True)
    return os.getpgid(pid)
"""
IN_A_THREAD = (
    "thread = threading.Thread(target=begin); thread.start(); thread.join(); print(flush=True); signal.pause()"
)
BEFORE_A_FORK = "begin(); print(os.fork() or signal.pause(), flush=True); signal.pause()"
A_FORK_THAT_ENDS = """
import subprocess
process = start(["sleep", "600"], stdout=subprocess.PIPE)
print(process.pid, flush=True)
fork = os.fork()
if fork == 0:
    process.kill()
    process.wait()
    sys.exit(3 if process.stdout.closed else 4)
print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), process.poll(), flush=True)
"""
AT_THE_END = "begin()"
WITHOUT_ITS_KEEPER = """
keeper = begin()
os.kill(keeper, signal.SIGKILL)
os.waitid(os.P_PID, keeper, os.WEXITED | os.WNOWAIT)
begin()
signal.pause()
"""


def test_nothing_outlives_a_process_that_is_killed() -> None:
    """An ffmpeg lived on for minutes, and the camera's session with it. But it may not end with a thread."""
    with starting(STARTS + IN_A_THREAD) as (process, started):
        assert process.stdout is not None
        assert process.stdout.readline() == "\n", "the thread has ended"
        assert started.status() != psutil.STATUS_ZOMBIE
        process.kill()
        assert ends(started)


def test_a_fork_keeps_nothing_alive() -> None:
    """It has our end of the keeper's pipe, as of any other, and may live for long."""
    with starting(STARTS + BEFORE_A_FORK) as (process, started):
        assert process.stdout is not None
        fork = int(process.stdout.readline())
        try:
            process.kill()
            assert ends(started)
        finally:
            os.kill(fork, signal.SIGKILL)


def test_a_fork_leaves_programs_to_its_parent() -> None:
    """An end of a pipe that a fork kept would hold up a program that writes into it and is told to end."""
    with starting(STARTS + A_FORK_THAT_ENDS) as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "3 None\n"


def test_what_is_left_at_the_end_ends_too() -> None:
    with starting(STARTS + AT_THE_END) as (process, started):
        assert process.wait(30) == 0
        assert ends(started)


def test_a_keeper_that_was_killed_is_replaced() -> None:
    """Some tools kill all that they do not know."""
    with starting(STARTS + WITHOUT_ITS_KEEPER) as (process, _):
        assert process.stdout is not None
        second = psutil.Process(int(process.stdout.readline()))
        process.kill()
        assert ends(second)


def test_passwords_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "sesame")
    monkeypatch.setenv("SVLM_MODEL", "front")
    told = run(["env"], check=True).stdout.decode()
    assert "sesame" not in told
    assert "SVLM_MODEL=front" in told


def test_decoders_give_way() -> None:
    """Guards the thread that drives the model against sixty decoders that read files as fast as they can."""
    with start(["sleep", "60"], gives_way=True) as started:
        assert os.getpriority(os.PRIO_PROCESS, started.pid) == max(os.getpriority(os.PRIO_PROCESS, 0), 10)
        started.kill()
