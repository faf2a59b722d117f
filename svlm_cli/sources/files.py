"""Video files and standard input, as a stream of frames with timestamps.

Files end, are read as fast as their reader wants, and lose no frame. Knows no camera and no model.
"""

import contextlib
import math
import os
import threading
from collections.abc import Generator
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Self

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.owned import Owned
from svlm_cli.core.types import Frame
from svlm_cli.media.ffmpeg import Address, Ffmpeg, file_address, find_ffmpeg, stdin_address
from svlm_cli.sources.follow import follow
from svlm_cli.sources.grid import frame_rate, moment
from svlm_cli.sources.replay import Replay
from svlm_cli.sources.sequential import Reading, read_in_order


class Decoder(StrEnum):
    """What decodes a file. decord buffers without bound under a slow reader; where it fails, ffmpeg takes over."""

    FFMPEG = "ffmpeg"
    DECORD = "decord"


# By default, ffmpeg reads five seconds of a growing file before it shows anything.
_SOON = (("probesize", "1000000"), ("analyzeduration", "1000000"))


class FrameStream(Owned):
    """The frames of one source, in order. A context manager: leaving it stops decoding at once.

    Also an iterator: after the last frame, or `close`, no ffmpeg process is left.
    """

    def __init__(self, first: Frame, rest: Generator[Frame, None, None], reading: Reading) -> None:
        super().__init__()
        self._first: Frame | None = first
        self._rest = rest
        self._reading = reading
        self._turn = threading.RLock()

    @property
    def notices(self) -> list[str]:
        """Sentences for the user. Reading may add more; the list is complete after the last frame."""
        return self._reading.notices

    @property
    def duration_s(self) -> float | None:
        """The duration in the source's header."""
        return self._reading.duration_s

    @property
    def truncated(self) -> bool:
        """Whether the source broke off early. Known after the last frame."""
        return self._reading.truncated

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        with self._turn:
            if self._first is not None:
                frame, self._first = self._first, None
                return frame
            return next(self._rest)

    def stop(self) -> None:
        """Ask the reader to end, also while it waits for a frame. Returns at once."""
        self._reading.stop()

    def close(self) -> None:
        """Stop reading. May be called repeatedly, and from another thread, where it ends a wait for the next frame."""
        if not self.owned:
            return
        self.stop()  # ends a wait in another thread, which holds the lock
        with self._turn, contextlib.suppress(ValueError):  # a signal handler may interrupt its own thread's read
            self._first = None
            self._rest.close()


def open_frames(
    source: str | os.PathLike[str] | Address,
    *,
    fps: float,
    start_s: float | None = None,
    end_s: float | None = None,
    decoder: Decoder = Decoder.FFMPEG,
    follow_s: float | None = None,
    enough_pixels: int | None = None,
    reading: Reading | None = None,
) -> FrameStream:
    """The frames of a file, of standard input (``-``) or of a recording elsewhere, at `fps` pictures per second.

    Frame k is the newest picture whose time is <= start + k / fps; start is `start_s`, or the time of the first
    picture where that is later or `start_s` is None. `end_s` is exclusive. All times are a player's, counted from the
    source's first moment. Pictures are RGB, upright, with square pixels, and may change size.

    Pictures larger than 4K are reduced to `enough_pixels`, or not at all if that is None.

    With `follow_s` the file is still being written, and ends when it has not grown for that long. `reading.stop`,
    called from another thread, also ends the opening of a recording elsewhere.

    Raises `InputError` if the source cannot be found or read, or has no picture between `start_s` and `end_s`, and
    `UsageError` for invalid times and rates.
    """
    rate = frame_rate(fps)
    for time_s in (start_s, end_s):
        if time_s is not None and not math.isfinite(time_s):
            raise UsageError(f"A start or end cannot be {time_s}.")
    if start_s is not None and end_s is not None and start_s >= end_s:
        raise UsageError(
            f"The start ({start_s:g} s) must come before the end ({end_s:g} s).", "Exchange --start and --end."
        )
    program = find_ffmpeg()
    address = replace(_address(source, grows=follow_s is not None), enough_pixels=enough_pixels)
    reading = reading or Reading()
    if follow_s is not None and not isinstance(source, Address) and not address.stdin:
        path, patience_s = Path(source), follow_s
        address = replace(address, url="pipe:0", protocols="pipe,fd", seekable=False, fed=True, options=_SOON)
        reading = Reading(lambda target: follow(path, target, patience_s=patience_s))
    elif address.stdin and start_s is not None:
        whole = Replay(0)
        address, reading = replace(address, fed=True), Reading(whole.play, whole.look)
    if decoder is Decoder.DECORD and not isinstance(source, Address):
        frames = _read_with_decord(program, address, source, rate, start_s, end_s, reading)
    else:
        frames = read_in_order(program, address, rate, start_s=start_s, end_s=end_s, reading=reading)
    first = next(frames, None)  # read now, so that an unreadable source is reported when it is opened
    if first is None:
        since = "" if start_s is None else f" from {start_s:g} s"
        until = "" if end_s is None else f" before {end_s:g} s"
        raise InputError(f"{address.name} has no pictures{since}{until}.", reading.span)
    return FrameStream(first, frames, reading)


def _address(source: str | os.PathLike[str] | Address, *, grows: bool) -> Address:
    if isinstance(source, Address):
        return source
    return stdin_address() if source == "-" else file_address(source, grows=grows)


def _read_with_decord(
    program: Ffmpeg,
    address: Address,
    source: str | os.PathLike[str],
    rate: Fraction,
    start_s: float | None,
    end_s: float | None,
    reading: Reading,
) -> Generator[Frame, None, None]:
    """Frames from decord until it fails, then from ffmpeg, starting with the next frame."""
    from svlm_cli.sources.windows import DecordUnfitError, DecordVideo  # numpy

    next_s = start_s
    try:
        if address.stdin:
            raise DecordUnfitError("it reads only files")
        video = DecordVideo(program, source, enough_pixels=address.enough_pixels)
        reading.note_header(video.log)
        first_s = None
        for index, frame in enumerate(video.frames(rate, start_s=start_s, end_s=end_s), start=1):
            first_s = frame.time_s if first_s is None else first_s
            next_s = moment(first_s, index, rate)
            yield frame
            if reading.stopped:
                return
    except DecordUnfitError as reason:
        reading.notices.append(f"decord does not read {address.name} ({reason}): ffmpeg reads it instead.")
        yield from read_in_order(program, address, rate, start_s=next_s, end_s=end_s, reading=reading)
