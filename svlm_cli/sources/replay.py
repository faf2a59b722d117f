"""Standard input, from its beginning more than once: what is read for a first look is kept for the next.

Knows no format.
"""

import contextlib
import os
import select
import threading
from typing import BinaryIO

from svlm_cli.core.closing import Closing

_PIECE_BYTES = 64 * 1024
_MOST_KEPT_BYTES = 64 * 1024 * 1024  # ffmpeg looks at 5 MB, or at a whole MP4 whose index comes last, which is hopeless
_LOOK_EVERY_MS = 200.0


class Replay:
    """A descriptor that cannot be sought in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()

    def look(self, target: BinaryIO) -> Closing:
        """Copy the beginning into `target`, in a thread, until nobody wants more."""
        return _Copying(self._descriptor, self._kept, target, keep=True)

    def play(self, target: BinaryIO) -> Closing:
        """Copy all of it into `target`, in a thread. After that it is gone."""
        return _Copying(self._descriptor, self._kept, target, keep=False)


class _Copying(Closing):
    """What was kept, then what comes."""

    def __init__(self, descriptor: int, kept: bytearray, target: BinaryIO, *, keep: bool) -> None:
        self._descriptor = descriptor
        self._kept = kept
        self._target = target
        self._keep = keep
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="svlm-replay", daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # ffmpeg has had enough
            self._write(bytes(self._kept))
            while piece := self._next():
                if self._keep:
                    self._kept += piece
                self._write(piece)
        with contextlib.suppress(OSError):
            self._target.close()

    def _next(self) -> bytes:
        """What has come; empty at the end."""
        if self._keep and len(self._kept) >= _MOST_KEPT_BYTES:
            return b""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while not self._stop.is_set():
            if poll.poll(_LOOK_EVERY_MS):
                return os.read(self._descriptor, _PIECE_BYTES)
        return b""

    def _write(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._target.write(view) :]

    def close(self) -> None:
        """Stop copying. ffmpeg must be gone, or a write could wait for it for ever."""
        self._stop.set()
        self._thread.join()
