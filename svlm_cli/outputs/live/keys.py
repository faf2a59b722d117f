"""Keys as people press them: the bytes of a terminal become keys, and the terminal hands them out one by one.

Reads from standard input if that is a terminal, else from the terminal that the process belongs to: standard input
may be a video. Knows not what keys do.
"""

import os
import re
import select
import sys
import termios
import tty
from contextlib import suppress
from enum import Enum
from typing import Any


class Key(Enum):
    """What can be pressed. Figures come as themselves, as strings."""

    QUIT = "q"
    PAUSE = "p"
    SAVE = "s"
    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    NEXT = "tab"
    BEFORE = "shift tab"
    ALL = "escape"
    REDRAW = "ctrl l"


_SEQUENCES = {
    b"[A": Key.UP, b"OA": Key.UP, b"[B": Key.DOWN, b"OB": Key.DOWN,
    b"[5~": Key.PAGE_UP, b"[6~": Key.PAGE_DOWN,
    b"[H": Key.HOME, b"OH": Key.HOME, b"[1~": Key.HOME, b"[7~": Key.HOME,
    b"[F": Key.END, b"OF": Key.END, b"[4~": Key.END, b"[8~": Key.END,
    b"[Z": Key.BEFORE,
}  # fmt: skip
_CHARACTERS = {
    b"q": Key.QUIT, b"Q": Key.QUIT, b"p": Key.PAUSE, b"P": Key.PAUSE, b" ": Key.PAUSE, b"s": Key.SAVE, b"S": Key.SAVE,
    b"k": Key.UP, b"j": Key.DOWN, b"\t": Key.NEXT, b"0": Key.ALL, b"\x0c": Key.REDRAW,
}  # fmt: skip
_ONE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O[ -~])|\x1b(?![\[O])|[^\x1b]", re.DOTALL)
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")


def decode(data: bytes, *, more: bool) -> tuple[list[Key | str], bytes]:
    """The keys in `data`, and what is left: with `more` to come, a sequence that is not complete yet."""
    begun = _BEGUN.search(data)
    rest = b""
    if begun is not None:
        data, rest = data[: begun.start()], begun[0]
    keys: list[Key | str] = []
    for match in _ONE.finditer(data):
        key = _key(match)
        if key is not None:
            keys.append(key)
    if rest and not more:
        return ([*keys, Key.ALL] if rest == b"\x1b" else keys), b""
    return keys, rest


def _key(match: re.Match[bytes]) -> Key | str | None:
    if match[1] is not None:
        return _SEQUENCES.get(match[1])
    if match[0] == b"\x1b":
        return Key.ALL
    return match[0].decode() if match[0] in b"123456789" else _CHARACTERS.get(match[0])


class Keyboard:
    """A terminal's keys. `hold` makes it hand them out at once and unseen, `release` undoes that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._rest = b""
        self._before: list[Any] | None = None
        self._bell, self._waker = os.pipe()

    def hold(self) -> None:
        """Characters come as they are typed, and none is echoed. Ctrl-C and Ctrl-Z stay signals."""
        if self._descriptor is not None and self._before is None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor, termios.TCSAFLUSH)  # what was typed before was meant for others

    def release(self) -> None:
        """The terminal as it was."""
        before, self._before = self._before, None
        if before is not None and self._descriptor is not None:
            with suppress(termios.error, OSError):  # it is gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    def wait(self, timeout_s: float) -> list[Key | str]:
        """What was pressed; waits so long for it, or until `wake` is called."""
        held = self._descriptor if self._before is not None else None
        ready, _, _ = select.select([self._bell] if held is None else [self._bell, held], [], [], max(0.0, timeout_s))
        if self._bell in ready:
            os.read(self._bell, 64)
        if held is None or held not in ready:
            keys, self._rest = decode(self._rest, more=False)
            return keys
        try:
            data = os.read(held, 1024)
        except OSError:
            data = b""
        if not data:  # hung up
            self._descriptor = None
        keys, self._rest = decode(self._rest + data, more=True)
        return keys

    def wake(self) -> None:
        """Ends a wait, from any thread."""
        os.write(self._waker, b"!")

    def close(self) -> None:
        """Nobody waits any more, or wakes. The terminal's own descriptor stays open."""
        os.close(self._bell)
        os.close(self._waker)


def find_keyboard() -> int | None:
    """The descriptor of the terminal that keys come from; None if there is none."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        if sys.stdin.isatty():
            return sys.stdin.fileno()
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
