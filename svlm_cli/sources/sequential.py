"""A source read in order, through ffmpeg: where decoding begins, when each picture is shown, what the end means.

Knows no decord, and nothing of who asks.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from fractions import Fraction
from typing import BinaryIO

from svlm_cli.core.closing import Closing
from svlm_cli.core.types import Frame, Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg
from svlm_cli.media.log import Log
from svlm_cli.sources.grid import ON_TIME_S, moment
from svlm_cli.sources.pipe import PicturePipe

# How long before the wanted start decoding begins, one try after the other. Containers without an index lead to the
# middle of a group of pictures, whose first ones cannot be decoded.
_SEEK_MARGINS_S = (3.0, 15.0, 60.0)


class Reading:
    """One reading of a source: what becomes known meanwhile, and the way to stop it from another thread."""

    def __init__(self, feed: Callable[[BinaryIO], Closing] | None = None) -> None:
        self._feed = feed  # writes the source into ffmpeg's stdin, if its address says that it is fed
        self._feeding: Closing | None = None
        self.duration_s: float | None = None  # as the source's header says
        self.span = ""  # from when to when there are pictures, in a sentence; empty if nobody knows
        self.truncated = False  # it ended too early
        self.notices: list[str] = []  # sentences for the user
        self.stopped = False
        self._pipe: PicturePipe | None = None

    def note_header(self, log: Log) -> None:
        """What the header says, once the source is open."""
        self.duration_s = log.duration_s
        self.span = "" if log.end_s is None else f"It runs from {log.begin_s:.1f} s to {log.end_s:.1f} s."

    def use(self, pipe: PicturePipe) -> None:
        """`stop` ends this pipe from now on, also if it was called before."""
        self._pipe = pipe
        if self._feed is not None:
            self._feeding = self._feed(pipe.stdin)
        if self.stopped:
            pipe.kill()

    def end(self) -> None:
        """Leave nothing behind, once ffmpeg is gone."""
        if self._feeding is not None:
            self._feeding.close()

    def stop(self) -> None:
        """End the reading, even while it waits for a picture."""
        self.stopped = True
        if self._pipe is not None:
            self._pipe.kill()


def read_in_order(
    program: Ffmpeg,
    address: Address,
    rate: Fraction,
    *,
    start_s: float | None,
    end_s: float | None,
    reading: Reading,
) -> Generator[Frame, None, None]:
    """`rate` frames a second from `start_s` (or the first picture) up to `end_s`, which is left out.

    Closing the generator ends ffmpeg at once. `InputError` if nothing at all can be decoded.
    """
    with ExitStack() as stack:
        stack.callback(reading.end)
        pipe, picture = _open(program, address, rate, start_s, reading)
        stack.enter_context(pipe)
        first_s = pipe.first_s()
        log = pipe.log
        reading.note_header(log)
        over_before = picture is None and start_s is not None and log.videos > 0 and not log.errors
        if over_before or reading.stopped:
            return
        if picture is None or first_s is None:
            raise log.failure(address)
        start_s = first_s if start_s is None else max(start_s, first_s)
        index = 0
        while picture is not None:
            time_s = moment(start_s, index, rate)
            if end_s is not None and time_s >= end_s - ON_TIME_S:
                return
            yield Frame(picture, time_s)
            index += 1
            if log.turned and log.changed:
                # Once chosen, ffmpeg's rotating and cropping filters do not follow a new picture size.
                reading.truncated = True
                reading.notices.append(
                    f"{address.name} is turned or cropped for display and changes its picture size soon after "
                    f"{time_s:.1f} s: what follows was not read."
                )
                return
            picture = pipe.read()
            if reading.stopped:
                return
        _note_the_end(pipe, moment(start_s, index, rate), reading)


def _open(
    program: Ffmpeg, address: Address, rate: Fraction, start_s: float | None, reading: Reading
) -> tuple[PicturePipe, Picture | None]:
    """A pipe that begins with the picture on screen at `start_s`, and that picture."""
    seeks: list[float | None] = [None]
    if start_s is not None and address.seekable:
        seeks = [*(start_s - margin for margin in _SEEK_MARGINS_S if start_s > margin), None]
    for seek_s in seeks:
        pipe = PicturePipe(program, address, rate, start_s=start_s, seek_s=seek_s)
        try:
            reading.use(pipe)
            picture = pipe.read()
            first_s = pipe.first_s()
            if seek_s is None or reading.stopped or (start_s is not None and _found(pipe, picture, first_s, start_s)):
                return pipe, picture
        except BaseException:
            pipe.close()
            raise
        pipe.close()
    raise AssertionError("the last try does not seek")


def _found(pipe: PicturePipe, picture: Picture | None, first_s: float | None, start_s: float) -> bool:
    """Whether earlier seeking could not find more."""
    if picture is None:
        return pipe.log.end_s is not None and start_s > pipe.log.end_s + 1
    return first_s is not None and first_s <= start_s + ON_TIME_S


def _note_the_end(pipe: PicturePipe, reached_s: float, reading: Reading) -> None:
    log = pipe.log
    name = pipe.address.name
    ends_early = log.end_s is not None and log.end_s > reached_s + 1
    if log.cut_off or (log.errors and ends_early):
        reading.truncated = True
        reading.notices.append(f"{name} is cut off: it could be read up to {reached_s:.1f} s.")
    elif pipe.exit_code:
        reading.truncated = True
        said = f": {log.first_errors[0]}" if log.first_errors else "."
        reading.notices.append(f"ffmpeg stopped reading {name} at {reached_s:.1f} s{said}")
    elif log.errors:
        reading.notices.append(f"ffmpeg met {log.errors} errors in {name}, the first: {log.first_errors[0]}")
