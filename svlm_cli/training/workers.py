"""Processes that prepare windows: they import no torch, so they start quickly, and they end when their parent does."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor


def start_workers(count: int) -> ProcessPoolExecutor:
    """A pool of `count` new processes. They are no forks: the parent has threads, and perhaps a GPU."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """An interrupted run ends its workers itself; a killed one must not leave them behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
