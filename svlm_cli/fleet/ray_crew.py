"""Workers as Ray actors: one per GPU, or several on the cores of a host. Starts, polls and replaces them.

Ray never restarts an actor. A dead one is replaced by a new actor with a new name, so no message to or from the old one
reaches the new one. Knows neither items nor the meaning of messages.
"""

import time
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Final

import ray
from ray.exceptions import RayError

from svlm_cli.core.closing import Closing
from svlm_cli.fleet.messages import Message, WorkerLost, WorkerOrder, WorkerReady, WorkerUnfit
from svlm_cli.fleet.ray_actors import (
    FETCH_S,
    STARTS,
    STOP_S,
    ActorSlot,
    end_with_parent,
    options_for,
    reason_of,
    stop_all,
)
from svlm_cli.fleet.ray_cluster import answers
from svlm_cli.fleet.shares import Node, WorkerShare
from svlm_cli.fleet.worker import FleetWorker

_POLL_S: Final = 1.0  # longest time between two answers of a worker
_LOOK_S: Final = 5.0  # between two checks of which hosts are in the cluster
_CALLS: Final = 4  # concurrent calls to one actor: it is polled while it takes items


class FleetActor:
    """Runs a worker in an actor's process."""

    def __init__(self, order: WorkerOrder, cores: int, place: str) -> None:
        end_with_parent()
        self._worker = FleetWorker(order, cores=cores, place=place)

    def take(self, lease: int, item: object) -> None:
        """Start another item."""
        self._worker.take(lease, item)

    def messages(self, patience_s: float) -> list[Message]:
        """The worker's messages; waits for the first up to `patience_s`."""
        return self._worker.messages(patience_s)

    def stop(self) -> None:
        """Close all open files."""
        self._worker.close()


class RayCrew(Closing):
    """The workers in the cluster that this process is connected to.

    `look` finds the hosts, and `plan` divides them into shares. As hosts may join later, workers are `expected` for
    `hopes_s` even if there are none.
    """

    def __init__(
        self,
        order: WorkerOrder,
        look: Callable[[], list[Node]],
        plan: Callable[[list[Node]], list[WorkerShare]],
        *,
        hopes_s: float = 0.0,
    ) -> None:
        self._order = order
        self._look = look
        self._plan = plan
        self._hopes_s = hopes_s
        self._slots: dict[str, ActorSlot] = {}  # by the share's name
        self._given_up: set[str] = set()  # names of shares
        self._starts: Counter[str] = Counter()  # of each share's workers, by its name
        self._calls: dict[Any, ActorSlot] = {}  # pending calls, and whom they ask
        self._dismissed: SimpleQueue[ActorSlot] = SimpleQueue()
        self._told: SimpleQueue[tuple[str, Message]] = SimpleQueue()
        self._heard: set[str] = set()
        self._lock = Lock()  # for slots, calls and `_heard`
        self._alone_since_s = time.monotonic()
        self._looked_s = 0.0
        self._closing = Event()
        self._error: BaseException | None = None
        self._refresh()
        self._thread = Thread(target=self._listen, name="svlm-fleet", daemon=True)
        self._thread.start()

    @property
    def expected(self) -> int:
        """How many workers there are or will be."""
        with self._lock:
            if self._slots:
                self._alone_since_s = time.monotonic()
                return len(self._slots)
        return int(time.monotonic() - self._alone_since_s < self._hopes_s)

    def wait(self, timeout_s: float) -> list[tuple[str, Message]]:
        """The workers' messages. Raises the error that ended the polling, if any."""
        if self._error is not None:
            raise self._error
        found: list[tuple[str, Message]] = []
        try:
            found.append(self._told.get(timeout=timeout_s))
            while True:
                found.append(self._told.get_nowait())
        except Empty:
            return found

    def heard(self) -> tuple[str, ...]:
        """The workers that have answered since the last call."""
        with self._lock:
            found, self._heard = tuple(self._heard), set()
        return found

    def give(self, worker: str, lease: int, item: object) -> None:
        """Give an item to a worker. If it cannot be delivered, the worker counts as dead."""
        if (slot := self._slot(worker)) is not None:
            call = slot.actor.take.remote(lease, item)
            with self._lock:
                self._calls[call] = slot

    def dismiss(self, worker: str) -> None:
        """End a worker and replace it, whether it can be reached or not."""
        if (slot := self._slot(worker)) is not None:
            self._dismissed.put(slot)

    def close(self) -> None:
        """Let all workers close their open files, then end them."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join(STOP_S)
        slots = list(self._slots.values())
        stop_all(slots)

    def _slot(self, worker: str) -> ActorSlot | None:
        with self._lock:
            return next((slot for slot in self._slots.values() if slot.name == worker), None)

    def _listen(self) -> None:
        try:
            self._hear_all()
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            self._error = error

    def _hear_all(self) -> None:
        while not self._closing.is_set():
            if time.monotonic() - self._looked_s > _LOOK_S:
                self._refresh()
            while not self._dismissed.empty():
                self._replace(self._dismissed.get(), "it has not answered")
            with self._lock:
                calls = list(self._calls)
            if not calls:
                self._closing.wait(_POLL_S)
                continue
            some, _ = ray.wait(calls, num_returns=1, timeout=_POLL_S)
            if some:  # and all others that are ready
                ready, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
                for call in ready:
                    self._collect(call)

    def _refresh(self) -> None:
        """Start the workers that are missing on the hosts that are there."""
        self._looked_s = time.monotonic()
        found = self._look()
        wanted = [one for one in self._plan(found) if one.name not in self._slots and one.name not in self._given_up]
        hosts = {share.node for share in wanted}
        there = {node.name for node in found if node.name in hosts and answers(node)}
        for share in wanted:
            if share.node in there:
                self._start(share)

    def _start(self, share: WorkerShare, *, unready: int = 0) -> None:
        options = options_for(share, calls=_CALLS)
        actor = ray.remote(FleetActor).options(**options).remote(self._order, share.cores, share.node)
        self._starts[share.name] += 1
        slot = ActorSlot(share, actor, f"{share.name}.{self._starts[share.name]}", unready)
        with self._lock:
            self._slots[share.name] = slot
        self._poll(slot)

    def _poll(self, slot: ActorSlot) -> None:
        call = slot.actor.messages.remote(_POLL_S)
        with self._lock:
            self._calls[call] = slot

    def _collect(self, call: Any) -> None:
        """Handle the result of a call. Results of workers that have been replaced are ignored."""
        with self._lock:
            slot = self._calls.pop(call)
        if self._slots.get(slot.share.name) is not slot:
            return
        try:
            messages: list[Message] | None = ray.get(call, timeout=FETCH_S)
        except RayError as error:
            self._replace(slot, reason_of(error))
            return
        if messages is None:  # the call was `take`
            return
        with self._lock:
            self._heard.add(slot.name)
        for message in messages:
            if isinstance(message, WorkerUnfit):
                self._give_up(slot)
            slot.ready = slot.ready or isinstance(message, WorkerReady)
            self._told.put((slot.name, message))
        if slot.share.name in self._slots:
            self._poll(slot)

    def _replace(self, slot: ActorSlot, reason: str) -> None:
        """Replace a dead worker, unless its host is gone too, or workers on its share never become ready."""
        if self._slots.get(slot.share.name) is not slot:
            return
        ray.kill(slot.actor)  # it may only be unreachable, or have failed and still hold memory
        there = any(node.name == slot.share.node and answers(node) for node in self._look())
        unready = 0 if slot.ready else slot.unready + 1
        if there and unready < STARTS:
            self._start(slot.share, unready=unready)
        else:
            with self._lock:
                del self._slots[slot.share.name]
            if there:
                self._given_up.add(slot.share.name)
        self._told.put((slot.name, WorkerLost(reason if there else "its host is gone", blamed=there)))

    def _give_up(self, slot: ActorSlot) -> None:
        ray.kill(slot.actor)
        self._given_up.add(slot.share.name)
        with self._lock:
            del self._slots[slot.share.name]
