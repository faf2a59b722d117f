"""Camera workers as Ray actors, which outlive the process that started them for a while.

An actor has a name in a namespace that only calls for the same cameras share. So a supervisor that was killed and
started again finds its workers, with models loaded and cameras open. Ray never restarts an actor: one that takes the
place of a dead one is new, under another name.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError
from ray.util import list_named_actors

from svlm_cli.core.closing import Closing
from svlm_cli.fleet.cameras.crew import CameraWorkerFound, CameraWorkerGone, CameraWorkerUnfit, News
from svlm_cli.fleet.cameras.hosts import HostsSeen, HostWatch
from svlm_cli.fleet.cameras.messages import Beat, WorkerAnswer
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.cameras.worker import CameraWorker
from svlm_cli.fleet.ray_actors import FETCH_S, STARTS, ActorSlot, end_with_parent, options_for, reason_of, stop_all
from svlm_cli.fleet.ray_cluster import answers
from svlm_cli.fleet.shares import Node, WorkerShare

_PATIENCE_S: Final = 0.5  # a worker answers at least so often
_GONE_S: Final = 60.0  # a worker that is out of reach for so long is replaced
_CALLS: Final = 2  # at once, to one actor: it is stopped while it waits for something to tell


class CameraActor:
    """What runs in an actor's process."""

    def __init__(self, order: CameraOrder, cores: int) -> None:
        end_with_parent()
        self._worker = CameraWorker(order, cores=cores)

    def beat(self, beat: Beat, patience_s: float) -> WorkerAnswer:
        """Do what it says."""
        return self._worker.beat(beat, patience_s)

    def stop(self) -> None:
        """Close all cameras."""
        self._worker.close()


@dataclass(slots=True, eq=False)
class _Slot(ActorSlot):
    heard_s: float = field(default_factory=time.monotonic)
    call: Any = None  # the beat that it has not answered


@dataclass(frozen=True, slots=True, eq=False)
class _Gone:
    """A worker that is gone since `at_s`, and maybe its host with it."""

    slot: _Slot
    reason: str
    dead: bool
    at_s: float


class RayCameraCrew(Closing):
    """The camera workers in the cluster that this process is connected to.

    `plan` says which shares there are to be for the hosts that `look` finds. Hosts may join later: for want of workers
    nobody gives up before `hopes_s`.
    """

    def __init__(
        self,
        order: CameraOrder,
        namespace: str,
        look: Callable[[], list[Node]],
        plan: Callable[[list[Node]], list[WorkerShare]],
        *,
        hopes_s: float = 0.0,
    ) -> None:
        self._order = order
        self._namespace = namespace
        self._hosts = HostWatch(look, answers)
        self._plan = plan
        self._hopes_s = hopes_s
        self._slots: dict[str, _Slot] = {}  # by the share's name
        self._by_name: dict[str, _Slot] = {}  # by the worker's
        self._given_up: set[str] = set()  # names of shares
        self._news: list[tuple[str, News]] = []
        self._alone_since_s = time.monotonic()
        self._gone: list[_Gone] = []
        self._refreshed_s = 0.0
        self._refresh()

    @property
    def expected(self) -> int:
        """How many workers there are or will be."""
        if self._slots or self._gone:
            self._alone_since_s = time.monotonic()
            return len(self._slots) + len(self._gone)
        return int(time.monotonic() - self._alone_since_s < self._hopes_s)

    def idle(self) -> tuple[str, ...]:
        """Those without a beat to answer."""
        return tuple(slot.name for slot in self._slots.values() if slot.call is None)

    def beat(self, worker: str, beat: Beat) -> None:
        """Send a beat."""
        slot = self._by_name.get(worker)
        if slot is not None:
            slot.call = slot.actor.beat.remote(beat, _PATIENCE_S)

    def wait(self, timeout_s: float) -> list[tuple[str, News]]:
        """What has happened."""
        self._refresh()
        calls = {slot.call: slot for slot in self._slots.values() if slot.call is not None}
        if not calls:
            time.sleep(timeout_s)
        elif ray.wait(list(calls), num_returns=1, timeout=timeout_s)[0]:
            ready, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
            for call in ready:
                self._collect(calls[call])
        for slot in list(self._slots.values()):
            if time.monotonic() - slot.heard_s > _GONE_S and slot.ready:
                self._replace(slot, "it has not answered for a minute", dead=False)
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Let all workers close their cameras, then end them."""
        self._hosts.close()
        slots, self._slots = list(self._slots.values()), {}
        stop_all(slots)

    def _refresh(self) -> None:
        """Start workers where hosts have room, or find those that an earlier supervisor has left."""
        seen = self._hosts.seen
        if seen.begun_s == self._refreshed_s:
            return
        self._refreshed_s = seen.begun_s
        self._judge(seen)
        leaving = {gone.slot.share.name for gone in self._gone}
        taken = self._slots.keys() | self._given_up | leaving
        wanted = [one for one in self._plan(list(seen.nodes)) if one.name not in taken and one.node in seen.reachable]
        left = self._left() if wanted else {}
        for share in wanted:
            if not self._find(share, left.get(share.name, [])):
                self._start(share)

    def _left(self) -> dict[str, list[str]]:
        """The names of workers that exist already, by share."""
        found: dict[str, list[str]] = {}
        for one in list_named_actors(all_namespaces=True):
            if one["namespace"] == self._namespace:
                found.setdefault(one["name"].rpartition(".")[0], []).append(one["name"])
        return found

    def _find(self, share: WorkerShare, names: list[str]) -> bool:
        """Take over the worker of an earlier supervisor."""
        for name in names:
            try:
                actor = ray.get_actor(name, namespace=self._namespace)
            except ValueError:  # it has ended meanwhile
                continue
            self._add(_Slot(share, actor, name))
            return True
        return False

    def _start(self, share: WorkerShare, *, unready: int = 0) -> None:
        name = f"{share.name}.{time.time_ns()}"
        options = options_for(share, calls=_CALLS) | {"namespace": self._namespace, "lifetime": "detached"}
        actor = ray.remote(CameraActor).options(name=name, **options).remote(self._order, share.cores)
        self._add(_Slot(share, actor, name, unready))

    def _add(self, slot: _Slot) -> None:
        self._slots[slot.share.name] = self._by_name[slot.name] = slot
        self._news.append((slot.name, CameraWorkerFound()))

    def _collect(self, slot: _Slot) -> None:
        """What came of a beat."""
        call, slot.call = slot.call, None
        try:
            answer: WorkerAnswer = ray.get(call, timeout=FETCH_S)
        except ActorUnavailableError:  # the network is away, or Ray is: the worker may be heard of again
            return
        except RayError as error:
            self._replace(slot, reason_of(error), dead=isinstance(error, ActorDiedError))
            return
        slot.heard_s = time.monotonic()
        slot.ready = slot.ready or bool(answer.streams)
        if answer.unfit is not None:
            self._given_up.add(slot.share.name)
            self._drop(slot)
            self._news.append((slot.name, CameraWorkerUnfit(answer.unfit)))
        else:
            self._news.append((slot.name, answer))

    def _replace(self, slot: _Slot, reason: str, *, dead: bool) -> None:
        """A worker is gone. What that means shows when its host has been looked at once more."""
        self._drop(slot)
        self._gone.append(_Gone(slot, reason, dead, time.monotonic()))
        self._hosts.look_again()

    def _judge(self, seen: HostsSeen) -> None:
        """Replace the workers that are gone, unless their hosts are gone too, or none ever gets ready there.

        Ray takes a host for dead that is only out of reach; and a worker that failed may take a while to end.
        """
        judged = [one for one in self._gone if seen.begun_s > one.at_s]
        self._gone = [one for one in self._gone if one not in judged]
        for gone in judged:
            slot, there = gone.slot, gone.slot.share.node in seen.reachable
            unready = 0 if slot.ready else slot.unready + 1
            if there and unready < STARTS:
                self._start(slot.share, unready=unready)
            elif there:
                self._given_up.add(slot.share.name)
            reason = gone.reason if there else "its host is gone"
            self._news.append((slot.name, CameraWorkerGone(reason, dead=gone.dead and there, blamed=there)))

    def _drop(self, slot: _Slot) -> None:
        ray.kill(slot.actor)
        del self._slots[slot.share.name], self._by_name[slot.name]
