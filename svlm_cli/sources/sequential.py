"""Reads a source in order, through ffmpeg: where to start decoding, when each picture is shown, what the end means.

Times are a player's: they count from the source's first moment, whatever its own clock says. Knows neither decord nor
its caller.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO

from svlm_cli.core.types import Frame, Picture
from svlm_cli.media.clock import runs_steadily
from svlm_cli.media.ffmpeg import LARGE_PIXELS, Address, Ffmpeg
from svlm_cli.media.log import Log
from svlm_cli.sources.feeder import Feeder
from svlm_cli.sources.grid import ON_TIME_S, moment
from svlm_cli.sources.pipe import PicturePipe

Feeding = Callable[[BinaryIO], Feeder]

# How long before the wanted start decoding begins, tried in order. A seek in a container without an index may land
# inside a group of pictures, whose first pictures cannot be decoded.
_SEEK_MARGINS_S = (3.0, 15.0, 60.0)


class Reading:
    """One pass over a source: what it has found out, and how to stop it from another thread."""

    def __init__(self, feed: Feeding | None = None, look: Feeding | None = None) -> None:
        self._feed = feed  # writes the source into ffmpeg's stdin, if its address says that it is fed
        self._look = look or feed  # the same for the first probe
        self._feeder: Feeder | None = None
        self.duration_s: float | None = None  # from the source's header
        self.span = ""  # from when to when there are pictures, as a sentence; empty if unknown
        self.truncated = False  # it broke off early
        self.notices: list[str] = []  # sentences for the user
        self.stopped = False
        self._pipe: PicturePipe | None = None

    def note_header(self, log: Log) -> None:
        """Take the duration and span from the header, once the source is open."""
        self.duration_s = log.duration_s
        begin_s = log.begin_s - log.origin_s
        self.span = "" if log.duration_s is None else f"It runs from {begin_s:.1f} s to {log.duration_s:.1f} s."

    def use(self, pipe: PicturePipe, *, for_a_look: bool = False) -> None:
        """Let `stop` end this pipe, also if it was called before."""
        self._pipe = pipe
        feed = self._look if for_a_look else self._feed
        if feed is not None:
            self._feeder = feed(pipe.stdin)
        if self.stopped:
            pipe.kill()

    def end(self) -> None:
        """Release everything, once ffmpeg has exited."""
        if self._feeder is not None:
            self._feeder.close()
            self._feeder = None

    def stop(self) -> None:
        """End the reading, also while it waits for a picture."""
        self.stopped = True
        if self._pipe is not None:
            self._pipe.kill()


@dataclass(slots=True, eq=False)
class _Opened:
    """A pipe, its next picture, and the moment of that picture."""

    pipe: PicturePipe
    picture: Picture | None
    first_s: float  # the first moment, on a player's clock
    index: int = 0

    @property
    def time_s(self) -> float:
        """When the picture is sampled."""
        return moment(self.first_s, self.index, self.pipe.rate)

    def read_on(self) -> None:
        """Move on to the picture of the next moment."""
        self.picture = self.pipe.read()
        self.index += 1


def read_in_order(
    program: Ffmpeg,
    address: Address,
    rate: Fraction,
    *,
    start_s: float | None,
    end_s: float | None,
    reading: Reading,
) -> Generator[Frame, None, None]:
    """`rate` frames a second from `start_s` (or the first picture) up to `end_s`, exclusive.

    Closing the generator ends ffmpeg at once. `InputError` if nothing at all can be decoded.
    """
    with ExitStack() as stack:
        stack.callback(reading.end)
        opened = _open(program, address, rate, start_s, reading)
        stack.enter_context(opened.pipe)
        log = opened.pipe.log
        reading.note_header(log)
        if reading.stopped:
            return
        if opened.picture is None:
            if start_s is not None and log.videos > 0 and not log.errors:
                return  # the source ends before `start_s`
            raise log.failure(address)
        while opened.picture is not None:
            time_s = opened.time_s
            if end_s is not None and time_s >= end_s - ON_TIME_S:
                return
            yield Frame(opened.picture, time_s, container_s=time_s + log.origin_s)
            if log.turned and log.changed:
                break
            opened.read_on()
            if reading.stopped:
                return
        _note_the_end(opened, reading)


def _open(program: Ffmpeg, address: Address, rate: Fraction, start_s: float | None, reading: Reading) -> _Opened:
    """A pipe that begins with the picture on screen at `start_s`, or at the source's start if that is later."""
    if start_s is None:
        return _begin(_pipe(program, address, rate), reading)
    header = _look(program, address, rate, reading)
    wanted_s = header.origin_s + start_s  # on the source's own clock
    for seek_s in _seeks(program, address, header, wanted_s):
        opened = _begin(_pipe(program, address, rate, start_s=wanted_s, seek_s=seek_s), reading)
        over = opened.picture is None and header.duration_s is not None and start_s > header.duration_s + 1
        found = opened.picture is not None and opened.first_s <= start_s + ON_TIME_S  # seeking earlier finds no more
        if seek_s is None or reading.stopped or over or found:
            opened.first_s = max(start_s, opened.first_s)
            return opened
        opened.pipe.close()
    raise AssertionError("the last try does not seek")


def _pipe(
    program: Ffmpeg, address: Address, rate: Fraction, *, start_s: float | None = None, seek_s: float | None = None
) -> PicturePipe:
    """One decoder thread for large pictures: by default each thread holds several of them in memory."""
    pipe = PicturePipe(program, address, rate, start_s=start_s, seek_s=seek_s)
    try:
        if not address.seekable or pipe.header().pixels <= LARGE_PIXELS:
            return pipe
    except BaseException:
        pipe.close()
        raise
    pipe.close()
    address = replace(address, options=(*address.options, ("thread_type", "slice")))
    return PicturePipe(program, address, rate, start_s=start_s, seek_s=seek_s)


def _look(program: Ffmpeg, address: Address, rate: Fraction, reading: Reading) -> Log:
    """Probe a source before it is read."""
    with _pipe(program, address, rate) as pipe:
        reading.use(pipe, for_a_look=True)
        log = pipe.header(None)  # no timeout, as a pipe may be slow; `stop` ends the wait
    reading.end()
    return log


def _seeks(program: Ffmpeg, address: Address, header: Log, wanted_s: float) -> list[float | None]:
    """Where to start decoding, on the source's own clock, in the order to try; None is the beginning."""
    before = [wanted_s - margin for margin in _SEEK_MARGINS_S if wanted_s - margin > header.begin_s]
    if not address.seekable or not before or not runs_steadily(program, address, header.container):
        return [None]
    return [*before, None]


def _begin(pipe: PicturePipe, reading: Reading) -> _Opened:
    """The pipe's first picture, and its time."""
    try:
        reading.use(pipe)
        picture, first_s = pipe.read(), pipe.first_s()
    except BaseException:
        pipe.close()
        raise
    return _Opened(pipe, None, 0.0) if first_s is None else _Opened(pipe, picture, first_s - pipe.log.origin_s)


def _note_the_end(opened: _Opened, reading: Reading) -> None:
    log, reached_s = opened.pipe.log, opened.time_s
    name = opened.pipe.address.name
    ends_early = log.duration_s is not None and log.duration_s > reached_s + 1
    if log.turned and log.changed:
        # ffmpeg's rotating and cropping filters do not adapt to a new picture size.
        reading.truncated = True
        reading.notices.append(
            f"{name} is turned or cropped for display and changes its picture size soon after {reached_s:.1f} s: what "
            "follows was not read."
        )
    elif log.cut_off or (log.errors and ends_early):
        reading.truncated = True
        reading.notices.append(f"{name} is cut off: it could be read up to {reached_s:.1f} s.")
    elif opened.pipe.exit_code:
        reading.truncated = True
        said = f": {log.first_errors[0]}" if log.first_errors else "."
        reading.notices.append(f"ffmpeg stopped reading {name} at {reached_s:.1f} s{said}")
    elif log.errors:
        reading.notices.append(f"ffmpeg met {log.errors} errors in {name}, the first: {log.first_errors[0]}")
