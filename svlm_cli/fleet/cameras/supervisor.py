"""The supervisor: hears workers, gives cameras to them, and knows at any time who watches what.

Does no input and output of its own, and is told the time: with Ray it runs for days, and under a simulated network for
hours in a minute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus
from svlm_cli.fleet.cameras.leases import LEASE_S, MARGIN_S
from svlm_cli.fleet.cameras.messages import Beat, CameraEnded, WorkerAnswer
from svlm_cli.fleet.cameras.placement import CameraLease, CameraPlacement

if TYPE_CHECKING:
    from svlm_cli.pipeline.batch import Job


class CameraObserver(Protocol):
    """Is notified of the progress."""

    def begun(self, camera: int, worker: str) -> None:
        """A worker is to watch a camera from now on."""
        ...

    def hear_of(self, camera: int, event: RoundEnded | SourceStatus) -> None:
        """Something happened to a camera."""
        ...

    def ended(self, camera: int, error: SvlmError | None, notices: Sequence[str]) -> None:
        """A camera has come to its end."""
        ...

    def lost(self, cameras: Sequence[int], reason: str) -> None:
        """A worker is gone, and others will watch its cameras."""
        ...


@dataclass(slots=True, eq=False)
class _Link:
    """What was said to a worker, and by it."""

    beat: int = 0
    heard: int = 0
    heard_event: int = 0
    confirmed: set[int] = field(default_factory=set)  # leases
    stopped: dict[int, int] = field(default_factory=dict)  # leases that it is to stop, with the first beat without them
    leases: tuple[CameraLease, ...] = ()  # of the last beat
    wanted: tuple[int, ...] = ()  # their numbers
    unconfirmed: tuple[CameraLease, ...] = ()

    def renew(self, leases: tuple[CameraLease, ...]) -> None:
        """What is to be watched now. Most beats say what the one before said."""
        if leases is not self.leases:
            self.leases = leases
            self.wanted = tuple(one.number for one in leases)
            self.compare()

    def forget(self) -> None:
        """What the worker watches is not known any more."""
        self.confirmed = set()
        self.compare()

    def compare(self) -> None:
        """Find what the worker does not know yet."""
        self.unconfirmed = tuple(one for one in self.leases if one.number not in self.confirmed)


class CameraSupervisor:
    """The `cameras` of a call. `job_of` gives a camera's job with what was said of it so far.

    `name` is the time at which it began: workers obey the latest. With `earlier`, another supervisor has had the
    cameras before, whose workers are adopted if they are found in time.
    """

    def __init__(
        self,
        cameras: "Sequence[Job]",
        observer: CameraObserver,
        *,
        name: int,
        first_lease: int,
        now_s: float,
        earlier: bool = False,
        job_of: "Callable[[int], Job] | None" = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self.placement = CameraPlacement(len(cameras), first_lease=first_lease, lease_s=lease_s)
        if earlier:
            self.placement.hold_back(now_s + lease_s + MARGIN_S)
        self._by_name: Mapping[str, int] = {job.name: index for index, job in enumerate(cameras)}
        self._observer = observer
        self._name = name
        self._job_of = job_of or cameras.__getitem__
        self._links: dict[str, _Link] = {}

    @property
    def settled(self) -> bool:
        """Whether all cameras have come to their end."""
        return self.placement.settled

    def join(self, worker: str) -> None:
        """A worker exists, and can be sent beats."""
        self._links[worker] = _Link()
        self.placement.expect(len(self._links))

    def beat(self, worker: str) -> Beat:
        """What to say to a worker now."""
        link = self._links[worker]
        link.beat += 1
        link.renew(self.placement.leases_of(worker))
        for number in self.placement.moving(worker):
            link.stopped.setdefault(number, link.beat)
        return Beat(
            supervisor=self._name,
            number=link.beat,
            heard=link.heard,
            heard_event=link.heard_event,
            wanted=link.wanted if link.heard else None,
            new=tuple((one.number, self._job_of(one.camera)) for one in link.unconfirmed),
        )

    def hear(self, worker: str, answer: WorkerAnswer, now_s: float) -> None:
        """A worker has answered."""
        link = self._links.get(worker)
        if answer.supervisor > self._name:
            raise SvlmError("Another call has taken over these cameras.", "Make one call for each camera.")
        if link is None or answer.number <= link.heard:
            return
        link.heard = answer.number
        if not answer.streams:
            return
        if self.placement.knows(worker):
            self.placement.hear(worker, now_s, answer.load)
        else:  # it is new, or was out of reach
            self.placement.join(worker, answer.streams, now_s)
        self._hear_events(link, answer)
        self._compare(worker, link, answer, now_s)

    def lose(self, worker: str, reason: str, now_s: float, *, dead: bool, blamed: bool = True) -> None:
        """A worker is gone; unless it is surely `dead`, it may go on until its leases have run out."""
        self._links.pop(worker, None)
        self.placement.expect(len(self._links))
        self._free(worker, reason, now_s, dead=dead, blamed=blamed)

    def look(self, now_s: float) -> tuple[str, ...]:
        """Free the cameras whose leases have run out, and give cameras to workers. Returns whom to send a beat soon."""
        for worker in self.placement.silent(now_s):
            self._links[worker].forget()
            self._free(worker, "it does not answer", now_s, dead=False, blamed=False)
        self.placement.balance(now_s)
        begun = self.placement.assign(now_s)
        for lease in begun:
            self._observer.begun(lease.camera, lease.worker)
        return tuple({lease.worker for lease in begun})

    def _free(self, worker: str, reason: str, now_s: float, *, dead: bool, blamed: bool) -> None:
        leases = self.placement.leave(worker, now_s, dead=dead, blamed=blamed)
        if leases:
            self._observer.lost([lease.camera for lease in leases], reason)

    def _hear_events(self, link: _Link, answer: WorkerAnswer) -> None:
        """Those that were not heard before. A lease that has ended is a thing of the past."""
        for event in answer.events[max(link.heard_event + 1 - answer.first_event, 0) :]:
            lease = self.placement.lease(event.lease)
            if lease is None:
                continue
            if isinstance(event, CameraEnded):
                self.placement.finish(event.lease)
                self._observer.ended(lease.camera, event.error, event.notices)
            else:
                self._observer.hear_of(lease.camera, event.event)
        link.heard_event = max(link.heard_event, answer.first_event + len(answer.events) - 1)

    def _compare(self, worker: str, link: _Link, answer: WorkerAnswer, now_s: float) -> None:
        """What a worker watches with what it is to watch."""
        held = {one.lease for one in answer.held}
        if held != link.confirmed:
            for camera in answer.held:
                if self.placement.lease(camera.lease) is None and camera.name in self._by_name:
                    self.placement.adopt(worker, camera.lease, self._by_name[camera.name], now_s)
            link.confirmed = held
            link.compare()
        for number, beat in list(link.stopped.items()):
            if number not in held and answer.beat >= beat:
                del link.stopped[number]
                if self.placement.lease(number) is not None:
                    self.placement.give_back(number, now_s)
