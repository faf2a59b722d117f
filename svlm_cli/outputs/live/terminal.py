"""A terminal in full-screen mode, restored afterwards. Does not know what is shown."""

import os
import select
import threading
from collections.abc import Sequence
from contextlib import suppress

from svlm_cli.outputs.live.keys import Key, Keyboard

# Line wrap is off: a character that is wider than assumed spoils only its own row.
_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J"
_LEAVE = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # synchronised update: supporting terminals show it at once
_USUAL = (80, 24)
_PATIENCE_S = 0.5


class Terminal:
    """The screen's terminal (`descriptor`), and the keyboard.

    `enter` and `leave` may be called from any thread, and from a signal handler.
    """

    def __init__(self, descriptor: int, keyboard: int | None) -> None:
        self._descriptor = descriptor
        self.keyboard = Keyboard(-1 if keyboard is None else keyboard)
        self.has_keys = keyboard is not None
        self._turn = threading.RLock()
        self._shown = False
        self._kept_away = False  # until `come_back`
        self._lines: list[str] = []
        self._size = (0, 0)

    def size(self) -> tuple[int, int]:
        """(columns, rows)."""
        try:
            columns, rows = os.get_terminal_size(self._descriptor)
        except OSError:
            return _USUAL
        return (columns, rows) if columns and rows else _USUAL

    def enter(self) -> bool:
        """Take over screen and keys; False while another job, such as the shell, owns the terminal."""
        with self._turn:
            if self._shown:
                return True
            if self._kept_away or not in_foreground(self._descriptor):
                return False
            if self.has_keys:
                self.keyboard.hold()
            self._write(_ENTER)
            self._lines, self._shown = [], True
            return True

    def leave(self) -> None:
        """Give both back, until `come_back`. Waits briefly for a write in progress."""
        mine = self._turn.acquire(timeout=_PATIENCE_S)
        try:
            self._kept_away = True
            if self._shown:
                self._shown = False
                with suppress(OSError):  # the terminal is gone
                    self._write(_LEAVE)
                self.keyboard.release()
        finally:
            if mine:
                self._turn.release()

    def come_back(self) -> None:
        """Allow `enter` again."""
        self._kept_away = False

    def paint(self, lines: Sequence[str], size: tuple[int, int], *, anew: bool = False) -> None:
        """Show these rows. Writes only rows that changed, or all of them after a resize or if `anew`."""
        with self._turn:
            if not self._shown:
                return
            parts = [_BEGIN]
            if anew or size != self._size or len(lines) != len(self._lines):
                parts.append("\x1b[0m\x1b[2J")
                self._lines, self._size = [""] * len(lines), size
            for row, (line, before) in enumerate(zip(lines, self._lines, strict=True), 1):
                if line != before:
                    parts.append(f"\x1b[{row};1H\x1b[K{line}")
            if len(parts) > 1:
                self._write("".join((*parts, _END)).encode())
            self._lines = list(lines)

    def keys(self, timeout_s: float) -> list[Key | str]:
        """The keys that were pressed within the timeout."""
        return self.keyboard.wait(timeout_s)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # another process has made the terminal non-blocking
                select.select([], [self._descriptor], [], _PATIENCE_S)


def in_foreground(descriptor: int) -> bool:
    """Whether this process is in the terminal's foreground."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # not our controlling terminal
        return True
