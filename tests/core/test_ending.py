"""A process ends with its code and its words, whatever its threads are in the middle of."""

import subprocess
import sys

from tests.conftest import environment

_BUSY = """
import atexit, sys, threading, time
import svlm_cli.__main__ as entry, svlm_cli.commands.app as app

def multiplies_for_ever():
    numbers = torch.rand(1000, 1000)
    while True:
        numbers @ numbers
        begun.set()

def main():
    global torch, begun
    import torch
    begun = threading.Event()
    threading.Thread(target=multiplies_for_ever, daemon=True).start()
    begun.wait()
    atexit.register(print, "closed")
    sys.stdout.write("said, ")  # not flushed
    return 130

app.main = main
sys.exit(entry.start())
"""


def test_a_thread_in_foreign_code_does_not_abort_the_end() -> None:
    """Guards runs of several processes that are interrupted: a thread that waited for another process aborted its own.

    Guards also what is closed at exit, and words that are not flushed yet.
    """
    done = subprocess.run([sys.executable, "-c", _BUSY], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "said, closed\n", "")
