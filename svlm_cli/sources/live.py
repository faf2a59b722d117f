"""A live source: one connection after another, on one clock, for as long as anybody reads.

The clock is this machine's monotonic one, in seconds since the first picture. It runs on while there is no
connection, so times never shrink; what was missed is the `gap_s` of the first frame after it. Knows no model;
whether its reader is too slow is the reader's affair.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.types import Frame, Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, Timing
from svlm_cli.sources.backoff import Backoff
from svlm_cli.sources.connection import Connection, Ending
from svlm_cli.sources.grid import frame_rate, moment
from svlm_cli.sources.status import SourceStatus, State
from svlm_cli.sources.stillness import Stillness

_EARLY = Fraction(1, 4)  # of a step: pictures that come this much before their moment are on time
_LEAST_GAP_S = 2.0  # shorter breaks within a connection are a camera that took its time


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How patient a live source is."""

    stall_timeout_s: float = 8.0
    max_reconnects: int | None = None  # failures in a row that are put up with; None: any number
    timing: Timing = Timing.ARRIVAL
    paced: bool = False  # with the source's clock: no picture before its time, for sources that send in bursts

    def __post_init__(self) -> None:
        if not 0.5 <= self.stall_timeout_s < 86400:
            raise UsageError(f"--stall-timeout must be 0.5 or more seconds, not {self.stall_timeout_s:g}.")
        if self.max_reconnects is not None and self.max_reconnects < 0:
            raise UsageError(f"--max-reconnects must be 0 or more, not {self.max_reconnects}.")


class LiveStream(Closing):
    """The frames of a live source. An iterator that connects when it is first asked, and blocks until a frame is there.

    After the last frame of a connection comes None: there will be no other for a while, or ever.
    `close` may be called from another thread: it ends a wait of any kind at once. `tell` hears of each change of
    state, in the reader's thread.
    """

    duration_s: float | None = None  # nobody knows how long it will be
    truncated = False  # nor where it ought to end

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        *,
        fps: float,
        options: LiveOptions,
        tell: Callable[[SourceStatus], None] = lambda status: None,
    ) -> None:
        self._program = program
        self._address = address
        self._rate = frame_rate(fps)
        self._options = options
        self._tell = tell
        self._backoff = Backoff()
        self._stop = threading.Event()
        self._turn = threading.RLock()
        self._connection: Connection | None = None
        self._zero_s: float | None = None  # of the clock, on the monotonic one
        self._last_s = 0.0  # time of the newest frame
        self._stillness = Stillness()
        self._status = SourceStatus(address.name, State.CONNECTING)
        self._frames = self._read()
        self.notices: list[str] = []

    @property
    def status(self) -> SourceStatus:
        """How it is now."""
        return self._status

    def now_s(self) -> float:
        """The time on the clock of the frames; 0 before the first one."""
        return 0.0 if self._zero_s is None else time.monotonic() - self._zero_s

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame | None:
        with self._turn:
            return next(self._frames)

    def check(self) -> None:
        """Connect once, apart from the frames. `InputError` if no other try could help either."""
        timing, patience_s = self._options.timing, self._options.stall_timeout_s
        with Connection(self._program, self._address, self._rate, timing, stall_timeout_s=patience_s) as connection:
            shown = next(iter(connection), None) is not None
        if not shown and not connection.ending.again:
            self._give_up_on(connection.ending)

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        connection = self._connection
        if connection is not None:
            connection.kill()
        with self._turn, contextlib.suppress(ValueError):  # a signal handler may close under its own thread's read
            self._frames.close()

    def _read(self) -> Generator[Frame | None, None, None]:
        while not self._stop.is_set():
            self._become(State.CONNECTING, self._status)
            frames = self._status.frames
            ending = yield from self._connect()
            if self._stop.is_set():
                break
            if self._status.frames > frames:
                yield None
            self._give_up_on(ending)
            delay_s = self._backoff.next_s()
            reason = f"{ending.sentence} {ending.hint}".rstrip()
            self._become(State.WAITING, self._status, reason=reason, retry_s=delay_s, failures=self._backoff.failures)
            self._stop.wait(delay_s)
        self._become(State.ENDED, self._status)

    def _connect(self) -> Generator[Frame, None, Ending]:
        options = self._options
        connection = Connection(
            self._program, self._address, self._rate, options.timing, stall_timeout_s=options.stall_timeout_s
        )
        with connection:
            self._connection = connection
            if self._stop.is_set():
                connection.kill()
            clock = self._on_arrival if options.timing is Timing.ARRIVAL else self._on_source_clock
            base_s: float | None = None
            for picture in connection:
                if self._stop.is_set():
                    break
                if base_s is None:
                    base_s = self._begin(connection)
                time_s = clock(base_s, connection.frames - 1)
                if time_s is not None:
                    yield self._frame(picture, time_s, first=connection.frames == 1)
        return connection.ending

    def _begin(self, connection: Connection) -> float:
        """A connection shows its first picture: where that is on the clock of the session."""
        first = self._zero_s is None
        if first:
            self._zero_s = time.monotonic()
        self._backoff.reset()
        begun = replace(self._status, connections=self._status.connections + 1, failures=0)
        self._become(State.LIVE, begun, first_frame_s=connection.first_frame_s)
        return 0.0 if first else max(self.now_s(), self._last_s + float(1 / self._rate))

    def _on_arrival(self, _base_s: float, index: int) -> float | None:
        """The moment that a picture arriving now belongs to; None if it has one already."""
        step = 1 / self._rate
        cell = int((self.now_s() + float(step * _EARLY)) * self._rate)
        time_s = moment(0.0, cell, self._rate)
        if index == 0 or self._status.frames == 0:
            last = round(self._last_s * self._rate) if self._status.frames else -1
            return moment(0.0, max(cell, last + 1), self._rate)
        if time_s > self._last_s + float(step) / 2:
            return time_s
        return None

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
        gap_s = missed_s if missed_s > 0 and (first or missed_s >= _LEAST_GAP_S) else 0.0
        self._last_s = time_s
        self._status = replace(self._status, frames=self._status.frames + 1, gap_s=self._status.gap_s + gap_s)
        return Frame(picture, time_s, wall_clock_s=time.time(), gap_s=gap_s)

    def _give_up_on(self, ending: Ending) -> None:
        """Raise `InputError` if no other try can help, or enough were made."""
        lived = self._status.connections > 0  # a server that comes back may refuse everybody until its camera is there
        most = self._options.max_reconnects
        if (lived or ending.again) and (most is None or self._backoff.failures < most):
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
