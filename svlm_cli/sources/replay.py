"""Reads standard input from its beginning more than once, by keeping what the first look has read.

Knows no format.
"""

import os
import select
import threading
from collections.abc import Iterator
from typing import BinaryIO

from svlm_cli.sources.feeder import LOOK_EVERY_S, PIECE_BYTES, Feeder

_MOST_KEPT_BYTES = 64 * 1024 * 1024  # ffmpeg reads 5 MB, or all of an MP4 whose index comes last: hopeless


class Replay:
    """A descriptor that cannot seek."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()

    def look(self, target: BinaryIO) -> Feeder:
        """Copy the beginning into `target`, until that is closed."""
        return Feeder(self._beginning, target, name="svlm-replay")

    def play(self, target: BinaryIO) -> Feeder:
        """Copy everything into `target`. Possible only once."""
        return Feeder(self._all, target, name="svlm-replay")

    def _beginning(self, stop: threading.Event) -> Iterator[bytes]:
        yield bytes(self._kept)
        while len(self._kept) < _MOST_KEPT_BYTES and (piece := self._next(stop)):
            self._kept += piece
            yield piece

    def _all(self, stop: threading.Event) -> Iterator[bytes]:
        yield bytes(self._kept)
        while piece := self._next(stop):
            yield piece

    def _next(self, stop: threading.Event) -> bytes:
        """The next bytes; empty at the end."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while not stop.is_set():
            if poll.poll(LOOK_EVERY_S * 1000):
                return os.read(self._descriptor, PIECE_BYTES)
        return b""
