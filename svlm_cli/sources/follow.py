"""A file that is still being written, as a stream that ends when the file has stopped growing for a while.

The file goes through ffmpeg's standard input, so that ffmpeg flushes its buffers at the end. Knows no format.
"""

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from svlm_cli.sources.feeder import LOOK_EVERY_S, PIECE_BYTES, Feeder


def follow(path: Path, target: BinaryIO, *, patience_s: float) -> Feeder:
    """Copy `path` into `target`, and close that when the file has not grown for `patience_s` or has been removed."""
    return Feeder(partial(_pieces, path, patience_s), target, name="svlm-follow")


def _pieces(path: Path, patience_s: float, stop: threading.Event) -> Iterator[bytes]:
    with path.open("rb") as file:
        grown_s = time.monotonic()
        while not stop.is_set():
            if piece := file.read(PIECE_BYTES):
                yield piece
                grown_s = time.monotonic()
            elif time.monotonic() - grown_s > patience_s or stop.wait(LOOK_EVERY_S):
                return
