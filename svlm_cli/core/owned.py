"""Resources belong to the process that opened them, and are closed before it exits.

As the interpreter ends, Python stops threads wherever they are, and aborts if one of them holds what is closed after
that. So all is closed before, while threads still run; by then no new one can be started. A fork has none of the
threads: what its parent opened stays untouched there. Knows nothing of what is open.
"""

import atexit
import os
from weakref import WeakValueDictionary

from svlm_cli.core.closing import Closing


class Owned(Closing):
    """Closed at interpreter exit at the latest, newest first.

    `close` may be called from any thread, starts none, and does nothing where `owned` is false.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        _open[id(self)] = self

    @property
    def owned(self) -> bool:
        """Whether this process opened it, rather than the parent it was forked from."""
        return self._owner == os.getpid()


_open: WeakValueDictionary[int, Owned] = WeakValueDictionary()


@atexit.register
def _close_all() -> None:
    for reference in reversed(_open.valuerefs()):
        if (one := reference()) is not None:
            one.close()
