"""The worker's side of leases: which cameras it may watch, and for how long. Pure: it is told the time.

A lease counts from when the worker sent an answer that the supervisor is known to have received. The supervisor counts
the same time from when it received that answer, which is later. So a lease has run out at the worker before the camera
is given to another, however long messages take, as long as both clocks run at the same speed.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.cameras.messages import Beat, CameraEnded, CameraEvent, HeldCamera, WorkerAnswer

if TYPE_CHECKING:
    from svlm_cli.pipeline.batch import Job

LEASE_S: Final = 8.0
MARGIN_S: Final = 0.5  # by which the supervisor waits longer: clocks drift, and closing a camera takes a moment
_EVENTS: Final = 500  # in one answer: small enough to travel in the message itself
_KEPT_EVENTS: Final = 50_000  # the oldest are dropped: nobody has heard them for long


@dataclass(frozen=True, slots=True)
class CameraChange:
    """The cameras to open and those to close."""

    open: "tuple[tuple[int, Job], ...]" = ()  # with their leases
    close: tuple[int, ...] = ()  # leases


_NOTHING: Final = CameraChange()


class LeaseHolder:
    """The leases of one worker, and the events that the supervisor has not heard yet."""

    def __init__(self, lease_s: float = LEASE_S) -> None:
        self._lease_s = lease_s
        self._held: dict[int, str] = {}  # names by lease: open, or not closed yet
        self._closing: set[int] = set()
        self._wanted: tuple[int, ...] | None = None  # by the last beat
        self._told_held: tuple[HeldCamera, ...] | None = ()  # of the last answer; None: it has changed
        self._events: deque[CameraEvent] = deque()
        self._first_event = 1
        self._supervisor = 0
        self._beat = 0
        self._answers = 0
        self._sent_s: dict[int, float] = {}  # by number of the answer
        self._until_s = -math.inf

    def obey(self, beat: Beat, now_s: float) -> CameraChange:
        """What a beat changes. An older supervisor, and an older beat, change nothing."""
        if beat.supervisor < self._supervisor:
            return _NOTHING
        if beat.supervisor > self._supervisor:
            self._supervisor, self._beat = beat.supervisor, 0
        if beat.number <= self._beat:
            return _NOTHING
        self._beat = beat.number
        self._acknowledge(beat)
        if beat.wanted is None or not self.valid(now_s):
            return _NOTHING
        if not beat.new and beat.wanted == self._wanted:
            return _NOTHING
        self._wanted = beat.wanted
        opened = tuple((lease, job) for lease, job in beat.new if lease not in self._held)
        if opened:
            self._held |= {lease: job.name for lease, job in opened}
            self._told_held = None
        return CameraChange(opened, self._close(self._held.keys() - set(beat.wanted)))

    def expire(self, now_s: float) -> CameraChange:
        """What is to be closed because nobody has been heard of for too long."""
        return _NOTHING if self.valid(now_s) else CameraChange(close=self._close(set(self._held)))

    @property
    def until_s(self) -> float:
        """When the leases run out, unless another beat comes."""
        return self._until_s

    def valid(self, now_s: float) -> bool:
        """Whether cameras may be watched now."""
        return now_s < self._until_s

    def post(self, event: CameraEvent) -> None:
        """Something happened. It is told in each answer until it has been heard."""
        if event.lease not in self._held:
            return
        if isinstance(event, CameraEnded):
            self.closed(event.lease)
        self._events.append(event)
        if len(self._events) > _KEPT_EVENTS:
            self._events.popleft()
            self._first_event += 1

    def closed(self, lease: int) -> None:
        """A camera is not watched any more."""
        self._held.pop(lease, None)
        self._told_held = None
        self._closing.discard(lease)

    def is_closing(self, lease: int) -> bool:
        """Whether a camera is being closed because the lease has ended."""
        return lease in self._closing

    def answer(self, now_s: float, *, streams: int, load: float | None, unfit: SvlmError | None = None) -> WorkerAnswer:
        """What to send now."""
        self._answers += 1
        self._sent_s[self._answers] = now_s
        if self._told_held is None:
            self._told_held = tuple(HeldCamera(lease, name) for lease, name in self._held.items())
        return WorkerAnswer(
            number=self._answers,
            supervisor=self._supervisor,
            beat=self._beat,
            streams=streams,
            load=load,
            held=self._told_held,
            first_event=self._first_event,
            events=tuple(self._events[index] for index in range(min(len(self._events), _EVENTS))),
            unfit=unfit,
        )

    def _acknowledge(self, beat: Beat) -> None:
        sent_s = self._sent_s.get(beat.heard)
        if sent_s is not None:
            self._until_s = max(self._until_s, sent_s + self._lease_s)
            self._sent_s = {one: time_s for one, time_s in self._sent_s.items() if one > beat.heard}
        while self._events and self._first_event <= beat.heard_event:
            self._events.popleft()
            self._first_event += 1

    def _close(self, leases: set[int]) -> tuple[int, ...]:
        """Those that are not being closed already."""
        found = tuple(sorted(leases - self._closing))
        self._closing.update(found)
        return found
