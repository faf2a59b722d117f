"""A file that is still being written, as a stream that ends when nothing has been added for a while.

Copies it into ffmpeg's standard input in a thread of its own, so what ffmpeg held back comes out at the end. Knows no
format.
"""

import contextlib
import threading
import time
from pathlib import Path
from typing import BinaryIO

from svlm_cli.core.closing import Closing

_PIECE_BYTES = 64 * 1024
_LOOK_EVERY_S = 0.2


class Follower(Closing):
    """Copies `path` into `target`, and closes that when the file has not grown for `patience_s`, or is gone."""

    def __init__(self, path: Path, target: BinaryIO, *, patience_s: float) -> None:
        self._path = path
        self._target = target
        self._patience_s = patience_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="svlm-follow", daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._path.open("rb") as file:  # ffmpeg has had enough
            grown_s = time.monotonic()
            while not self._stop.is_set():
                piece = file.read(_PIECE_BYTES)
                if piece:
                    view = memoryview(piece)
                    while view:
                        view = view[self._target.write(view) :]
                    grown_s = time.monotonic()
                elif time.monotonic() - grown_s > self._patience_s or self._stop.wait(_LOOK_EVERY_S):
                    break
        with contextlib.suppress(OSError):
            self._target.close()

    def close(self) -> None:
        """Stop copying. ffmpeg must be gone, or a write could wait for it for ever."""
        self._stop.set()
        self._thread.join()
