"""Worker processes that exit with their parent and leave signals to it. Does not know what they do."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor


def start_workers(count: int) -> ProcessPoolExecutor:
    """A pool of `count` spawned processes. Not forked, because the parent has threads and perhaps a GPU context."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)


def leave_signals_to_parent() -> None:
    """Ignore the terminal's signals: the parent handles them and ends this process."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _end_with_parent() -> None:
    """Exit when the parent is gone: an interrupted parent ends its workers, but a killed one cannot."""
    leave_signals_to_parent()

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
