"""Decodes a terminal's bytes into keys, and reads them one by one.

Reads standard input if that is a terminal, else the process's controlling terminal, because standard input may be a
video. Does not know what keys do.
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
    """The keys with a function. Digits are passed as strings."""

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
    ASK = "a"
    # while text is typed; `ALL` cancels that
    ENTER = "enter"
    ERASE = "backspace"
    CLEAR = "ctrl u"


_SEQUENCES = {
    b"[A": Key.UP, b"OA": Key.UP, b"[B": Key.DOWN, b"OB": Key.DOWN,
    b"[5~": Key.PAGE_UP, b"[6~": Key.PAGE_DOWN,
    b"[H": Key.HOME, b"OH": Key.HOME, b"[1~": Key.HOME, b"[7~": Key.HOME,
    b"[F": Key.END, b"OF": Key.END, b"[4~": Key.END, b"[8~": Key.END,
    b"[Z": Key.BEFORE,
}  # fmt: skip
_CHARACTERS = {
    b"q": Key.QUIT, b"Q": Key.QUIT, b"p": Key.PAUSE, b"P": Key.PAUSE, b" ": Key.PAUSE, b"s": Key.SAVE, b"S": Key.SAVE,
    b"a": Key.ASK, b"A": Key.ASK, b"k": Key.UP, b"j": Key.DOWN, b"\t": Key.NEXT, b"0": Key.ALL, b"\x0c": Key.REDRAW,
}  # fmt: skip
_TYPED = {b"\n": Key.ENTER, b"\r": Key.ENTER, b"\x7f": Key.ERASE, b"\x08": Key.ERASE, b"\x15": Key.CLEAR}
_ONE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O[ -~])|\x1b(?![\[O])|[^\x1b]", re.DOTALL)
_CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")  # UTF-8
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")


def decode(data: bytes, *, more: bool) -> tuple[list[Key | str], bytes]:
    """The keys in `data`, and the rest: if `more` may come, an incomplete sequence at the end."""
    data, rest = _parted(data, _BEGUN)
    keys: list[Key | str] = []
    for match in _ONE.finditer(data):
        key = _key(match)
        if key is not None:
            keys.append(key)
    if rest and not more:
        return ([*keys, Key.ALL] if rest == b"\x1b" else keys), b""
    return keys, rest


def decode_text(data: bytes, *, more: bool) -> tuple[list[Key | str], bytes]:
    """The same while text is typed: characters are text, arrows are ignored."""
    data, rest = _parted(data, _BEGUN)
    if more and not rest:
        data, rest = _parted(data, _CUT_CHARACTER)
    found: list[Key | str] = []
    text = b""
    for match in _ONE.finditer(data):
        key = _TYPED.get(match[0]) or (Key.ALL if match[0] == b"\x1b" else None)
        if key is None and match[1] is None:
            text += match[0]
            continue
        found += [text.decode(errors="ignore"), *([key] if key is not None else [])]
        text = b""
    found.append(text.decode(errors="ignore"))
    if rest == b"\x1b" and not more:
        found.append(Key.ALL)
    return [one for one in found if one], rest if more else b""


def _parted(data: bytes, unfinished: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    """Split off an unfinished sequence at the end."""
    found = unfinished.search(data)
    return (data, b"") if found is None else (data[: found.start()], found[0])


def _key(match: re.Match[bytes]) -> Key | str | None:
    if match[1] is not None:
        return _SEQUENCES.get(match[1])
    if match[0] == b"\x1b":
        return Key.ALL
    return match[0].decode() if match[0] in b"123456789" else _CHARACTERS.get(match[0])


class Keyboard:
    """A terminal's keys. `hold` makes them arrive at once and without echo, `release` undoes that."""

    def __init__(self, descriptor: int) -> None:
        self.typing = False  # text is being typed
        self._descriptor: int | None = descriptor
        self._rest = b""
        self._before: list[Any] | None = None
        self._bell, self._waker = os.pipe()

    def hold(self) -> None:
        """Turn off line buffering and echo. Ctrl-C and Ctrl-Z remain signals."""
        if self._descriptor is not None and self._before is None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor, termios.TCSAFLUSH)  # drop input that was meant for other programs

    def release(self) -> None:
        """Restore the terminal's settings."""
        before, self._before = self._before, None
        if before is not None and self._descriptor is not None:
            with suppress(termios.error, OSError):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    def wait(self, timeout_s: float) -> list[Key | str]:
        """The keys that were pressed; waits for them until the timeout or `wake`."""
        held = self._descriptor if self._before is not None else None
        ready, _, _ = select.select([self._bell] if held is None else [self._bell, held], [], [], max(0.0, timeout_s))
        if self._bell in ready:
            os.read(self._bell, 64)
        if held is None or held not in ready:
            keys, self._rest = self._decode(self._rest, more=False)
            return keys
        try:
            data = os.read(held, 1024)
        except OSError:
            data = b""
        if not data:  # hung up
            self._descriptor = None
        keys, self._rest = self._decode(self._rest + data, more=True)
        return keys

    def _decode(self, data: bytes, *, more: bool) -> tuple[list[Key | str], bytes]:
        return decode_text(data, more=more) if self.typing else decode(data, more=more)

    def wake(self) -> None:
        """End a wait, from any thread."""
        os.write(self._waker, b"!")

    def close(self) -> None:
        """Close, once nobody waits or wakes. The terminal's own descriptor stays open."""
        os.close(self._bell)
        os.close(self._waker)


def find_keyboard() -> int | None:
    """The descriptor of the terminal to read keys from; None if there is none."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or missing
        if sys.stdin.isatty():
            return sys.stdin.fileno()
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
