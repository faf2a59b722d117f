"""A program that captions ends as it means to, however it holds us: no abort, no wait, no message, nothing left."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.clips import make_clip
from tests.conftest import environment
from tests.processes import ends

BEGIN = """
import os, signal, sys, threading, time
import psutil
from svlm_cli import UsageError, caption, load_engine
CLIP, MODEL = sys.argv[1:]
engine = load_engine(MODEL, temperature=0.0, device="cpu")
def begin():
    segments = caption(CLIP, model=engine)
    assert next(segments).round == 0
    print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
    return segments
"""
NAMED = "segments = begin()"
HELD_IN_A_RING = "class Ring: pass\nring = Ring(); ring.segments, ring.ring = begin(), ring"
UNCAUGHT = """
def main():
    segments = begin()
    raise ValueError("of the program's own")
main()
"""
SYS_EXIT = """
segments = begin()
for _ in segments:
    sys.exit(7)
"""
INTERRUPTED = """
begin()
kept = []  # as a notebook keeps the last error, and with it all frames
for moment_s in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
    try:
        threading.Timer(moment_s, os.kill, (os.getpid(), signal.SIGINT)).start()
        for segment in caption(CLIP, model=engine):
            time.sleep(segment.round % 2 / 20)
    except KeyboardInterrupt as error:
        kept.append(error)
    assert next(caption(CLIP, model=engine)).round == 0
"""
INTERRUPTED_FOR_GOOD = """
signal.signal(signal.SIGINT, signal.default_int_handler)
segments = begin()
for _ in segments:
    os.kill(os.getpid(), signal.SIGINT)
"""
FORKED = """
segments = begin()
for _ in range(4):  # each may come while a thread of ours holds another lock
    child = os.fork()
    if child == 0:
        for _ in range(2):
            try:
                next(segments)
            except UsageError as error:
                assert "cannot be used in a fork of the process that started them" in str(error)
            segments.close()
        sys.exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert next(segments, None) is not None
"""
FORKED_IN_THE_LOOP = """
for segment in begin():
    if segment.round % 10 == 0:
        child = os.fork()
        if child == 0:
            sys.exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
assert segment.end_s == 30
"""
MULTIPROCESSING = """
import multiprocessing
segments = begin()
child = multiprocessing.get_context("fork").Process(target=print, args=("child",))
child.start()
child.join()
assert child.exitcode == 0
assert next(segments).round == 1
"""
IN_A_THREAD = """
def listen():
    for segment in segments:
        started.set()
segments, started = begin(), threading.Event()
threading.Thread(target=listen, daemon=True).start()
started.wait()
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than any of them listens."""
    return make_clip(tmp_path_factory.mktemp("endings") / "clip.mp4", frames=30 * 30)


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        pytest.param(NAMED, 0, [], id="named"),
        pytest.param(FORKED, 0, [], id="forked"),
        pytest.param(HELD_IN_A_RING, 0, [], id="ring", marks=pytest.mark.extra),
        pytest.param(UNCAUGHT, 1, ["ValueError: of the program's own"], id="uncaught", marks=pytest.mark.extra),
        pytest.param(SYS_EXIT, 7, [], id="sys-exit", marks=pytest.mark.extra),
        pytest.param(INTERRUPTED, 0, [], id="interrupted", marks=pytest.mark.extra),
        pytest.param(INTERRUPTED_FOR_GOOD, -2, ["KeyboardInterrupt"], id="for-good", marks=pytest.mark.extra),
        pytest.param(FORKED_IN_THE_LOOP, 0, [], id="forked-in-the-loop", marks=pytest.mark.extra),
        pytest.param(MULTIPROCESSING, 0, [], id="multiprocessing", marks=pytest.mark.extra),
        pytest.param(IN_A_THREAD, 0, [], id="thread", marks=pytest.mark.extra),
    ],
)
def test_a_program_ends_cleanly(program: str, code: int, said: list[str], clip: Path, tiny_checkpoint: Path) -> None:
    """It aborted with exit code 134 where a reader was left open, and a fork waited for threads that it had not."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program, clip, tiny_checkpoint],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == code, done.stderr
    assert [line for line in done.stderr.splitlines() if not line.startswith((" ", "Traceback"))] == said
    assert done.stderr.count("Traceback") == len(said)
    for pid in map(int, done.stdout.splitlines()[0].split()):
        if psutil.pid_exists(pid):
            assert ends(psutil.Process(pid))
