"""Standard streams that are closed or full: what is done stays the same, only nobody hears of it."""

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
