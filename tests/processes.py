"""A process that starts others, to be killed, and whether they end with it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.conftest import environment


@contextmanager
def starting(code: str) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A Python process that starts another one and prints its number; and that one."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started = psutil.Process(int(process.stdout.readline()))
        try:
            yield process, started
        finally:
            process.kill()
            with suppress(psutil.NoSuchProcess):
                started.kill()


def ends(process: psutil.Process) -> bool:
    """Whether it ends soon; whoever adopts it may take his time to notice."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False
