"""Processes that work for another one do not outlive it."""

from tests.processes import ends, starting

WORKS = """
import os, signal
from svlm_cli.core.workers import start_workers
pool = start_workers(1)
print(pool.submit(os.getpid).result(), flush=True)
signal.pause()
"""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    """They wait for work on a pipe that they hold themselves: it never ends."""
    with starting(WORKS) as (parent, worker):
        parent.kill()
        assert ends(worker)
