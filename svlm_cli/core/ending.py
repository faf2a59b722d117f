"""Ends a process although its threads may still be at work in foreign code.

At exit, Python stops daemon threads wherever they are. One that is stopped inside C++, as in a tensor operation or in a
collective that waits for another process, aborts the whole process ("terminate called without an active exception").
Does not know what the threads do.
"""

import atexit
import os
import sys
import threading
from contextlib import suppress


class Ending:
    """Makes the end of this process skip the interpreter's teardown, if there are threads that it would stop.

    Handlers registered with `atexit` after this one have run by then, so everything is closed.
    """

    def __init__(self) -> None:
        self.code: int | None = None  # of the exit; None if it is not known, and the interpreter ends as usual
        atexit.register(self._end)

    def _end(self) -> None:
        if self.code is None or threading.active_count() == 1:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody is left to read it, or it is closed
                stream.flush()
        os._exit(self.code)
