"""Resources belong to the process that opened them, and are closed before it exits.

At exit, Python stops threads wherever they are, and aborts if one of them holds a resource that is closed later. So
everything is closed earlier, while threads still run; no new thread can be started then. A forked process has none of
the threads, so it leaves its parent's resources alone. Does not know what is open.
"""

import atexit
import os
from weakref import WeakValueDictionary

from svlm_cli.core.closing import Closing


class Owned(Closing):
    """A resource that is closed at interpreter exit at the latest, newest first.

    `close` may be called from any thread, starts no thread, and does nothing if `owned` is false.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        _open[id(self)] = self

    @property
    def owned(self) -> bool:
        """Whether this process opened it, and not the parent that it was forked from."""
        return self._owner == os.getpid()


_open: WeakValueDictionary[int, Owned] = WeakValueDictionary()


@atexit.register
def _close_all() -> None:
    for reference in reversed(_open.valuerefs()):
        if (one := reference()) is not None:
            one.close()
