"""Ends a process without the interpreter's teardown, once everything is closed.

Teardown takes half a second where torch is loaded, and it stops daemon threads wherever they are. One that is stopped
inside C++, as in a tensor operation or in a collective that waits for another process, aborts the whole process
("terminate called without an active exception"). Does not know what the threads do.
"""

import atexit
import os
import sys
from contextlib import suppress


class ProcessEnding:
    """Ends this process with `code` when its handlers of `atexit` have run, other than those registered before."""

    def __init__(self) -> None:
        self.code: int | None = None  # of the exit; None if it is not known, and the interpreter ends as usual
        atexit.register(self._end)

    def _end(self) -> None:
        if self.code is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody is left to read it, or it is closed
                stream.flush()
        os._exit(self.code)
