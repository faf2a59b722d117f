"""Signals that end a command: the first one finishes what is open, a second Ctrl-C ends at once.

Knows nothing of what is open: that is closed as the exception passes.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SHOW_CURSOR = "\x1b[?25h\x1b[0m"
_IMPORTER = "<frozen importlib._bootstrap>"
_AGAIN_S = 0.01
_LONGEST_IMPORT_S = 0.5
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CODE: Final = 128  # to a shell, a process that a signal ended has this and the signal's number


class Terminated(BaseException):
    """SIGTERM or SIGHUP, raised in the main thread so that everything that is open gets finished on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = _CODE + number


@contextmanager
def signals_raise() -> Iterator[None]:
    """SIGINT is `KeyboardInterrupt`, SIGTERM and SIGHUP are `Terminated`, once; a SIGINT after these ends the process.

    Not at any moment, though. What is raised during an import may abort the process or be swallowed by C++ code, so an
    import may end first, and if that takes long, the process ends at once: whoever imports so much has opened no file
    yet. And what is raised in a finalizer or in a weak reference's callback goes nowhere, so it is raised again.

    A SIGINT that comes later, while the interpreter is leaving, ends it by the signal: to a shell 130 as well.
    """
    handling = _Handling()
    handlers = {signal.SIGTERM: handling.terminate, signal.SIGALRM: handling.raise_again}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell's background job stays deaf
        handlers[signal.SIGINT] = handling.interrupt
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as does what nohup starts
        handlers[signal.SIGHUP] = handling.terminate
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    sys.unraisablehook = handling.note_lost
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = handling.reported
        for number, handler in before.items():
            signal.signal(number, handler)


class _Handling:
    """What the first signal raises, until it has got through."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.came_s = 0.0
        self.last_words: list[Callable[[], None]] = []  # before the process ends at once
        self.reported = sys.unraisablehook

    def interrupt(self, _number: int, frame: FrameType | None) -> None:
        if self.error is not None:
            self.end_at_once(_CODE + signal.SIGINT)
        self.begin(KeyboardInterrupt(), frame)

    def terminate(self, number: int, frame: FrameType | None) -> None:
        if self.error is None:  # else the files are being finished
            self.begin(Terminated(number), frame)

    def begin(self, error: BaseException, frame: FrameType | None) -> None:
        self.error, self.came_s = error, time.monotonic()
        self.raise_again(signal.SIGALRM, frame)

    def raise_again(self, _number: int, frame: FrameType | None) -> None:
        if self.error is None:
            return  # an alarm of somebody else's
        if not _imports(frame):
            raise self.error
        if time.monotonic() - self.came_s > _LONGEST_IMPORT_S:
            self.end_at_once(self.error.code if isinstance(self.error, Terminated) else _CODE + signal.SIGINT)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)

    def end_at_once(self, code: int) -> None:
        for say in reversed(self.last_words):
            say()
        _end_at_once(code)

    def note_lost(self, event: "UnraisableHookArgs") -> None:
        if self.error is None or event.exc_value is not self.error:
            self.reported(event)
        else:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)  # raised here, it would be lost as well


@contextmanager
def gives_back(give_back: Callable[[], None], come_back: Callable[[], None]) -> Iterator[None]:
    """A terminal is taken meanwhile: it is given back when the process is stopped (Ctrl-Z), quit or ended at once.

    `come_back` is called when it goes on after a stop. Both must be quick.
    """

    def obey(number: int, _frame: FrameType | None) -> None:
        give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stopped, it stands here until somebody lets it go on; quit, it is gone
        signal.signal(number, obey)
        come_back()

    before = {number: signal.signal(number, obey) for number in (signal.SIGTSTP, signal.SIGQUIT)}
    try:
        with last_words(give_back):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def last_words(say: Callable[[], None]) -> Iterator[None]:
    """What is done meanwhile if a signal ends the process at once, with no exception. It must be quick."""
    handling = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if not isinstance(handling, _Handling):
        yield
        return
    handling.last_words.append(say)
    try:
        yield
    finally:
        handling.last_words.remove(say)


@contextmanager
def ends_in_time(patience_s: float) -> Iterator[None]:
    """A signal ends the process after so many seconds even where nobody hears it: in foreign code that waits."""
    hears, tells = os.pipe()
    os.set_blocking(tells, False)
    before = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(hears, 1):
            if number[0] in _ENDING:
                time.sleep(patience_s)
                _end_at_once(_CODE + number[0])

    threading.Thread(target=watch, name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(tells)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTER:
            return True
        frame = frame.f_back
    return False


def _end_at_once(code: int) -> None:
    """No file is finished, but each is valid; no child is left, and the terminal has its cursor."""
    for child in _children():
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
    os._exit(code)


def _children() -> list[int]:
    """Where the system tells, as Linux does."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


@contextmanager
def can_go_on(tell: Callable[[str], None]) -> Iterator[None]:
    """Tells whoever stops what runs here that nothing is lost."""
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        tell("Stopped. Run the same command again to continue.")
        raise
