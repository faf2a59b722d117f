"""Which worker gets which item next, and what happens to the items of a lost worker. Pure: the caller passes the time.

Long items go first, so that no long one is left at the end. A failed item is retried, elsewhere if possible, and put
aside after `tries` failures. An item that two workers held when they died is then given to a worker that has no other
item: if it is to blame, no other item is lost with it. A worker holds an item by a lease, which has a unique number, so
messages about ended leases can be told apart. Knows neither files nor Ray.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

TRIES: Final = 3
_ALONE_AFTER: Final = 2  # workers that died with the item


@dataclass(frozen=True, slots=True)
class Lease:
    """An item in the hands of a worker."""

    number: int
    item: int
    worker: str


@dataclass(slots=True)
class _Item:
    index: int
    weight: float
    failures: int = 0
    deaths: int = 0  # of workers that held it
    not_before_s: float = -math.inf
    avoided: set[str] = field(default_factory=set)  # places where it failed

    @property
    def alone(self) -> bool:
        return self.deaths >= _ALONE_AFTER


@dataclass(slots=True)
class _Worker:
    name: str
    place: str
    streams: int
    heard_s: float
    leases: dict[int, Lease] = field(default_factory=dict)
    reserved: bool = False  # for the item that it holds


class FleetPlacement:
    """Items by index, workers by name. An item is put aside after `tries` failures, including those of earlier runs."""

    def __init__(
        self, weights: Sequence[float], *, tries: int = TRIES, failures: Mapping[int, int] | None = None
    ) -> None:
        before = failures or {}
        self._items = [  # what an item failed by is not known any more: at worst, by its workers' deaths
            _Item(index, weight, failures=(count := before.get(index, 0)), deaths=count)
            for index, weight in enumerate(weights)
        ]
        self._waiting = {one.index: one for one in self._items}
        self._workers: dict[str, _Worker] = {}
        self._leases: dict[int, Lease] = {}
        self._tries = tries
        self._expected = 1
        self._next_number = 1

    @property
    def settled(self) -> bool:
        """Whether every item is finished or put aside."""
        return not self._waiting and not self._leases

    @property
    def workers(self) -> tuple[str, ...]:
        """The workers that have joined and not left."""
        return tuple(self._workers)

    def expect(self, workers: int) -> None:
        """Set how many workers there will be, so that the first to join leaves the others their share."""
        self._expected = max(workers, 1)

    def join(self, worker: str, streams: int, now_s: float, *, place: str = "") -> None:
        """A worker is ready for `streams` items at a time. `place` is what it shares with others, such as its host."""
        self._workers[worker] = _Worker(worker, place, streams, now_s)

    def leave(self, worker: str, now_s: float, *, blamed: bool = True) -> tuple[tuple[Lease, bool], ...]:
        """A worker is gone. Returns the leases that ended with it, each with whether its item is now put aside.

        If `blamed`, this counts as a failure of its items.
        """
        gone = self._workers.pop(worker, None)
        if gone is None:
            return ()
        ended = []
        for lease in gone.leases.values():
            del self._leases[lease.number]
            item = self._items[lease.item]
            item.deaths += blamed
            ended.append((lease, self._again(item, now_s, counts=blamed)))
        return tuple(ended)

    def drop(self, items: Iterable[int]) -> None:
        """Remove items that no worker holds: they need not be done."""
        for item in items:
            self._waiting.pop(item, None)

    def assign(self, now_s: float) -> list[Lease]:
        """Start as many leases as there are waiting items and free workers, and return them."""
        leases = []
        ready = [one for one in self._waiting.values() if one.not_before_s <= now_s]
        for item in sorted(ready, key=lambda one: (one.alone, -one.weight, one.index)):
            worker = self._worker_for(item)
            if worker is not None:
                leases.append(self._lease(item, worker))
        return leases

    def lease(self, number: int) -> Lease | None:
        """The lease with that number, unless it has ended."""
        return self._leases.get(number)

    def finish(self, number: int) -> None:
        """The item of a lease is done."""
        self._end(number)

    def fail(self, number: int, now_s: float, *, delay_s: float = 0.0, counts: bool = True) -> bool:
        """The item of a lease failed. Returns whether it is put aside; if not, it is retried after a delay."""
        lease, worker = self._end(number)
        item = self._items[lease.item]
        if counts:
            item.avoided.add(worker.place)
        return self._again(item, now_s + delay_s, counts=counts)

    def renew(self, worker: str, now_s: float) -> None:
        """A worker has answered, which renews its leases."""
        if worker in self._workers:
            self._workers[worker].heard_s = now_s

    def silent(self, now_s: float, patience_s: float) -> tuple[str, ...]:
        """The workers that have not answered for `patience_s`, so their leases have expired."""
        return tuple(one.name for one in self._workers.values() if now_s - one.heard_s > patience_s)

    def _again(self, item: _Item, from_s: float, *, counts: bool) -> bool:
        item.failures += counts
        if item.failures >= self._tries:
            return True
        item.not_before_s = from_s
        self._waiting[item.index] = item
        return False

    def _worker_for(self, item: _Item) -> _Worker | None:
        elsewhere = [one for one in self._workers.values() if one.place not in item.avoided]
        fitting = [one for one in elsewhere or self._workers.values() if self._has_room(one, item)]
        return min(fitting, key=lambda one: len(one.leases) / one.streams, default=None)

    def _has_room(self, worker: _Worker, item: _Item) -> bool:
        if item.alone:
            return not worker.leases
        share = math.ceil((len(self._waiting) + len(self._leases)) / max(self._expected, len(self._workers)))
        return not worker.reserved and len(worker.leases) < min(worker.streams, share)

    def _lease(self, item: _Item, worker: _Worker) -> Lease:
        lease = Lease(self._next_number, item.index, worker.name)
        self._next_number += 1
        self._leases[lease.number] = worker.leases[lease.number] = lease
        worker.reserved = item.alone
        del self._waiting[item.index]
        return lease

    def _end(self, number: int) -> tuple[Lease, _Worker]:
        lease = self._leases.pop(number)
        worker = self._workers[lease.worker]
        del worker.leases[number]
        worker.reserved = False
        return lease, worker
