"""Writes pieces of a source to ffmpeg's standard input, in a thread. Does not know where they come from."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

from svlm_cli.core.closing import Closing

PIECE_BYTES = 64 * 1024
LOOK_EVERY_S = 0.2  # polling interval, for more data and for a stop

Pieces = Callable[[threading.Event], Iterator[bytes]]
"""Yields the pieces of a source; must end soon after the event is set."""


class Feeder(Closing):
    """Writes `pieces` to `target` until they end or ffmpeg closes its input, then closes `target`."""

    def __init__(self, pieces: Pieces, target: BinaryIO, *, name: str) -> None:
        self._pieces = pieces
        self._target = target
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # ffmpeg has closed its input
            for piece in self._pieces(self._stop):
                view = memoryview(piece)
                while view:
                    view = view[self._target.write(view) :]
        with contextlib.suppress(OSError):
            self._target.close()

    def close(self) -> None:
        """Stop writing. ffmpeg must have exited, or a write could block for ever."""
        self._stop.set()
        self._thread.join()
