"""Signals that end a command: the first one finishes what is open, a second Ctrl-C ends at once.

Knows nothing of what is open: that is closed as the exception passes.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from svlm_cli.commands.messages import ExitCode

_SHOW_CURSOR = "\x1b[?25h\x1b[0m"


class Terminated(BaseException):
    """SIGTERM, raised in the main thread so that everything that is open gets finished on the way out."""


@contextmanager
def signals_raise() -> Iterator[None]:
    """SIGINT is `KeyboardInterrupt` and SIGTERM is `Terminated`, once; a SIGINT after either ends the process."""
    interrupt = _Interrupt()

    def terminate(*_: object) -> None:
        if interrupt.ending:
            return  # the files are being finished
        interrupt.ending = True
        raise Terminated

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # a shell's background job, which stays deaf
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, terminate)}
    if not ignored:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Interrupt:
    """The handler of SIGINT, and what must be given back if it ends the process."""

    def __init__(self) -> None:
        self.ending = False
        self.give_back: Callable[[], None] | None = None

    def __call__(self, *_: object) -> None:
        if self.ending:
            if self.give_back is not None:
                self.give_back()
            _end_at_once()
        self.ending = True
        raise KeyboardInterrupt


@contextmanager
def gives_back(give_back: Callable[[], None], come_back: Callable[[], None]) -> Iterator[None]:
    """A terminal is taken meanwhile: it is given back when the process is stopped (Ctrl-Z) or ended at once.

    `come_back` is called when it goes on after a stop. Both must be quick.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    if isinstance(interrupt, _Interrupt):
        interrupt.give_back = give_back

    def stop(*_: object) -> None:
        give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # here it stands until somebody lets it go on
        signal.signal(signal.SIGTSTP, stop)
        come_back()

    before = signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)
        if isinstance(interrupt, _Interrupt):
            interrupt.give_back = None


def _end_at_once() -> None:
    """No file is finished, but each is valid; no child is left, and the terminal has its cursor."""
    for child in _children():
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
    os._exit(ExitCode.INTERRUPTED)


def _children() -> list[int]:
    """Where the system tells, as Linux does."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found
