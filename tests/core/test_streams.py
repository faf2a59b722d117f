"""Standard streams that are closed or full: what is done stays the same, only nobody hears of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

CLOSED = "<&- >&- 2>&-"


def redirected(
    redirection: str, *arguments: str | Path, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A Python process whose streams the shell redirects."""
    command = ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", CLOSED, "2>/dev/full"])
def test_a_file_is_its_own(tmp_path: Path, redirection: str) -> None:
    """Guards captions against what others print: a file must not get the number of a closed stream."""
    code = """
import subprocess, sys
from svlm_cli.core.streams import open_standard_streams
open_standard_streams()
with open(sys.argv[1], "w") as file:
    print("words", file=file, flush=True)
    for stream in (sys.stdout, sys.stderr):
        print("chatter", file=stream, flush=True)
        stream.isatty(), stream.encoding, stream.buffer
    code = "import os, sys; os.fstat(0); print('chatter', file=sys.stderr); sys.stdin.read()"
    subprocess.run([sys.executable, "-c", code], check="full" not in sys.argv[2])
    sys.exit(3 + (file.fileno() < 3))
"""
    done = redirected(redirection, "-c", code, tmp_path / "file", redirection)
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "file").read_text() == "words\n"
    assert done.stderr.count("chatter") == (2 if redirection in ("<&-", ">&-") else 0)


LINES = """
import os, sys, threading
from svlm_cli.core.streams import open_standard_streams
os.set_blocking(2, sys.argv[1] == "blocking")
open_standard_streams()
sys.setswitchinterval(1e-5)

def tell(name):
    for number in range(int(sys.argv[2])):
        sys.stderr.write(f"svlm: {name} ")
        print("x" * 5000, number, "end", file=sys.stderr, flush=True)

threads = [threading.Thread(target=tell, args=(name,)) for name in "abcdefgh"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
WHOLE = re.compile("svlm: [a-h] x{5000} [0-9]+ end")


def test_lines_of_several_threads_do_not_mix() -> None:
    """Eight cameras that come back at once, told into a pipe that is read slowly: a journal, or a pager."""
    with subprocess.Popen(
        [sys.executable, "-c", LINES, "nonblocking", "20"], env=environment(), stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stderr is not None
        told = b"".join(iter(lambda: process.stderr.read(3000), b""))  # type: ignore[union-attr]
    lines = told.decode().splitlines()
    assert len(lines) == 160
    assert [line[:80] for line in lines if not WHOLE.fullmatch(line)] == []


def test_who_does_not_read_holds_nobody() -> None:
    """A pager that shows its first page would stop all cameras, and an end by SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-c", LINES, "blocking", "20"], env=environment(), stderr=subprocess.PIPE
    ) as process:
        assert process.wait(30) == 0
        assert process.stderr is not None
        whole = process.stderr.read().decode().rpartition("\n")[0].splitlines()
    assert len(whole) > 5
    assert [line[:80] for line in whole if not WHOLE.fullmatch(line)] == []


INTERRUPTED = """
import signal, sys
from svlm_cli.core.streams import open_standard_streams
open_standard_streams()

class Stop(Exception):
    pass

def stop(*_):
    raise Stop

signal.signal(signal.SIGALRM, stop)
number = 0
while number < 20_000:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
        while number < 20_000:
            number += 1
            print("line", number, file=sys.stderr, flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        pass
"""


def test_a_signal_has_nothing_said_twice() -> None:
    """The last line before a stop came up to three times: its exception lands behind the write, and before its note."""
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    lines = re.findall(r"line (\d+)", done.stderr)
    assert len(lines) > 10_000
    assert len(set(lines)) == len(lines)
