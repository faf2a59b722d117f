"""A live source: a sequence of connections on one clock, until its reader stops.

The clock is this machine's monotonic one, in seconds since the first picture. It keeps running while there is no
connection, so times never decrease; what was missed is the `gap_s` of the next frame. Knows no model, and does not
care whether its reader keeps up.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.events import SourceStatus, State
from svlm_cli.core.owned import Owned
from svlm_cli.core.types import Frame, Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, Timing
from svlm_cli.media.network import looked_at_longer, with_options
from svlm_cli.sources.backoff import Backoff
from svlm_cli.sources.connection import Connection, Ending, Feed
from svlm_cli.sources.grid import frame_rate, moment
from svlm_cli.sources.held import HeldConnection
from svlm_cli.sources.pace import PicturePace
from svlm_cli.sources.playlist import HAS_ENDED, NOTHING_NEW, Following
from svlm_cli.sources.stillness import STILL_S, Stillness

_EARLY = Fraction(1, 4)  # of a step: a picture may be this early
_LEAST_GAP_S = 2.0  # within a connection, shorter breaks are a slow camera


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How persistent a live source is."""

    stall_timeout_s: float = 8.0
    max_reconnects: int | None = None  # failures in a row that are tolerated; None: no limit
    waits: bool = False  # keep trying whatever is wrong, even before the first picture and after the source has ended
    still_s: float = STILL_S  # report a picture that has not changed for this long
    timing: Timing = Timing.ARRIVAL
    paced: bool = False  # with the source's clock: hold each picture until its time, for sources that send in bursts

    def __post_init__(self) -> None:
        if not 0.5 <= self.stall_timeout_s < 86400:
            raise UsageError(f"--stall-timeout must be 0.5 or more seconds, not {self.stall_timeout_s:g}.")
        if self.max_reconnects is not None and self.max_reconnects < 0:
            raise UsageError(f"--max-reconnects must be 0 or more, not {self.max_reconnects}.")

    def gives_up(self, ending: Ending, failures: int, *, lived: bool = False) -> bool:
        """Whether to stop trying: no retry can help, or there were too many. `lived`: pictures have come before."""
        if not (lived or ending.again or self.waits):  # what has worked may work again, whatever it answers now
            return True
        return self.max_reconnects is not None and failures >= self.max_reconnects


class LiveStream(Owned):
    """The frames of a live source. An iterator that connects on first use, and blocks until there is a frame.

    While a camera is slow, its last picture is repeated, so that each second has its frames. None follows the last
    frame of a connection: the next frame may be long in coming, or never come. `following` follows a playlist; `feed`
    writes each connection's data to ffmpeg where ffmpeg does not open the address itself; `explain` may improve on the
    reason of an ending. `close` may be called from another thread and ends any wait at once. `tell` is called with each
    change of state, in the reader's thread.
    """

    duration_s: float | None = None  # unknown
    truncated = False  # has no end that it could fall short of

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        *,
        fps: float,
        options: LiveOptions,
        following: Following | None = None,
        feed: Feed | None = None,
        explain: Callable[[Ending], Ending] = lambda ending: ending,
        tell: Callable[[SourceStatus], None] = lambda status: None,
    ) -> None:
        super().__init__()
        self._program = program
        self._address = address
        self._rate = frame_rate(fps)
        self._options = options
        self._following = following
        self._feed = feed
        self._explain = explain
        self._tell = tell
        self._backoff = Backoff()
        self._pace = PicturePace()
        self._stop = threading.Event()
        self._turn = threading.RLock()
        self._connection: Connection | None = None
        self._held: HeldConnection | None = None
        self._zero_s: float | None = None  # the monotonic time of the source's zero
        self._last_s = 0.0  # time of the newest frame
        self._shown_s = 0.0  # when the newest picture came, which may be repeated
        self._broken = False  # the pause is longer than the camera's usual interval
        self._stillness = Stillness(options.still_s)
        self._status = SourceStatus(address.name, State.CONNECTING)
        self._frames = self._read()
        self.notices: list[str] = []

    @property
    def status(self) -> SourceStatus:
        """The current state."""
        return self._status

    def now_s(self) -> float:
        """The current time on the frames' clock; 0 before the first frame."""
        return 0.0 if self._zero_s is None else time.monotonic() - self._zero_s

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame | None:
        with self._turn:
            return next(self._frames)

    def check(self) -> None:
        """Connect now, and keep the connection for the reader; pictures are dropped until it reads.

        Raises `InputError` if no retry could help. With `waits`, the reader retries anyway, so nothing is checked.
        """
        if self._options.waits:
            return
        self._become(State.CONNECTING, self._status)
        held = HeldConnection(self._call(self._address))
        try:
            shown = held.wait()
        except BaseException:
            held.close()
            raise
        if shown:
            self._held = held
            return
        held.close()
        if not self._stop.is_set() and not held.connection.ending.again:
            self._give_up_on(self._explain(held.connection.ending))

    def stop(self) -> None:
        """Ask the reader to end, also while it waits. Returns at once."""
        self._stop.set()
        connection = self._connection
        if connection is not None:
            connection.kill()

    def close(self) -> None:
        """Stop reading."""
        if not self.owned:
            return
        self.stop()
        with self._turn, contextlib.suppress(ValueError):  # a signal handler may interrupt its own thread's read
            self._frames.close()
            if self._held is not None:
                self._held.close()

    def _read(self) -> Generator[Frame | None, None, None]:
        while not self._stop.is_set():
            self._become(State.CONNECTING, self._status)
            frames = self._status.frames
            ending = yield from self._connect()
            if self._stop.is_set():
                break
            ending = self._explain(ending)
            if ending.unseen:
                self._address = looked_at_longer(self._address)
            if self._status.frames > frames:
                yield None
            if ending.over and not self._options.waits:
                break
            self._give_up_on(ending)
            delay_s = self._backoff.next_s(denied=ending.denied)
            reason = f"{ending.sentence} {ending.hint}".rstrip()
            self._become(State.WAITING, self._status, reason=reason, retry_s=delay_s, failures=self._backoff.failures)
            self._stop.wait(delay_s)
        self._become(State.ENDED, self._status)

    def _call(self, address: Address) -> Connection:
        connection = Connection(
            self._program,
            address,
            self._rate,
            self._options.timing,
            stall_timeout_s=self._options.stall_timeout_s,
            pace=self._pace,
            feed=self._feed,
        )
        self._connection = connection
        if self._stop.is_set():
            connection.kill()
        return connection

    def _connect(self) -> Generator[Frame, None, Ending]:
        held, self._held = self._held, None
        if held is not None:
            with held:
                yield from self._frames_of(held.connection, held)
            return held.connection.ending
        address = self._where_to_go_on()
        if isinstance(address, Ending):
            return address
        with self._call(address) as connection:
            yield from self._frames_of(connection, connection)
        if self._following is not None and connection.frames:
            self._following.note(connection.requests)
            if (way := self._following.go_on(self._stop)) in (HAS_ENDED, NOTHING_NEW):
                return way
        return connection.ending

    def _where_to_go_on(self) -> Address | Ending:
        """The address that continues without repeating anything; an ending if there is nothing new."""
        if self._following is None:
            return self._address
        way = self._following.go_on(self._stop)
        if isinstance(way, Ending):
            return way
        # One request at a time, so that the last requested segment is the last shown one. No probing of the frame rate,
        # which would block on a stalled playlist.
        address = with_options(self._address, ("http_multiple", "0"), ("fpsprobesize", "0"))
        return address if way is None else with_options(address, ("live_start_index", str(way)))

    def _frames_of(self, connection: Connection, pictures: Iterable[Picture | None]) -> Generator[Frame, None, None]:
        arrival = self._options.timing is Timing.ARRIVAL
        clock = self._on_arrival if arrival else self._on_source_clock
        base_s, index, newest = 0.0, -1, None
        for picture in pictures:
            if self._stop.is_set():
                return
            if picture is None:
                if newest is not None and (frame := self._again(newest)) is not None:
                    yield frame
                continue
            newest, index = picture, index + 1
            if index == 0:
                base_s = self._begin(connection)
                connection.wake_s = self._until_due_s if arrival else None
            time_s = clock(base_s, index)
            self._shown_s = self.now_s()
            if time_s is not None:
                yield self._frame(picture, time_s, first=index == 0)

    def _until_due_s(self) -> float:
        """How long until it is certain that the next moment gets no new picture."""
        if self._broken:
            return math.inf
        return self._last_s + float((2 - _EARLY) / self._rate) - self.now_s()

    def _again(self, picture: Picture) -> Frame | None:
        """Repeat the last picture for a moment without a new one, unless the picture is too old."""
        if self.now_s() - self._shown_s > self._pace.still_s(self._options.stall_timeout_s):
            self._broken = True
            return None
        return self._frame(picture, moment(0.0, round(self._last_s * self._rate) + 1, self._rate), first=False)

    def _begin(self, connection: Connection) -> float:
        """At a connection's first picture: its time on the session's clock."""
        first = self._zero_s is None
        if first:
            self._zero_s = time.monotonic()
        self._backoff.reset()
        begun = replace(self._status, connections=self._status.connections + 1, failures=0)
        self._become(State.LIVE, begun, first_frame_s=connection.first_frame_s)
        if first and connection.replaces_tcp:
            self._become(State.LIVE, begun, reason="does not send over TCP, so it is watched over UDP.")
        return 0.0 if first else max(self.now_s(), self._last_s + float(1 / self._rate))

    def _on_arrival(self, _base_s: float, index: int) -> float | None:
        """The moment that a picture arriving now belongs to; None if that moment has a picture already."""
        number = int((self.now_s() + float(_EARLY / self._rate)) * self._rate)
        last = round(self._last_s * self._rate) if self._status.frames else -1
        if index == 0:
            number = max(number, last + 1)
        return moment(0.0, number, self._rate) if number > last else None

    def _on_source_clock(self, base_s: float, index: int) -> float | None:
        """The moment of picture `index` of the connection that began at `base_s`."""
        time_s = moment(base_s, index, self._rate)
        if self._options.paced:
            self._stop.wait(max(0.0, time_s - self.now_s()))
        return time_s

    def _frame(self, picture: Picture, time_s: float, *, first: bool) -> Frame:
        if told := self._stillness.look(picture, time_s, first=first):
            self._become(State.LIVE, self._status, reason=told)
        missed_s = time_s - self._last_s - float(1 / self._rate) if self._status.frames else 0.0
        breaks = first or self._broken or missed_s >= _LEAST_GAP_S
        gap_s = missed_s if missed_s > 0 and breaks else 0.0
        self._last_s, self._broken = time_s, False
        self._status = replace(self._status, frames=self._status.frames + 1, gap_s=self._status.gap_s + gap_s)
        return Frame(picture, time_s, wall_clock_s=time.time(), gap_s=gap_s)

    def _give_up_on(self, ending: Ending) -> None:
        """Raise `InputError` if no retry can help, or there were too many."""
        if not self._options.gives_up(ending, self._backoff.failures, lived=self._status.connections > 0):
            return
        self._become(State.ENDED, self._status, reason=ending.sentence)
        raise InputError(f"{self._address.name} {ending.sentence}", ending.hint)

    def _become(
        self,
        state: State,
        status: SourceStatus,
        *,
        reason: str = "",
        retry_s: float | None = None,
        first_frame_s: float | None = None,
        failures: int | None = None,
    ) -> None:
        self._status = replace(
            status,
            state=state,
            reason=reason,
            retry_s=retry_s,
            first_frame_s=first_frame_s,
            failures=status.failures if failures is None else failures,
        )
        self._tell(self._status)
