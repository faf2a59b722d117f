"""The driver's part that is the same for all items: who has which, who is dead, and what is tried again.

Whoever inherits it knows what the items are. Knows neither Ray nor a model.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.manifest import FileRecord, FileState, Manifest, ManifestKey
from svlm_cli.fleet.messages import ItemMessage, Message, WorkerLost, WorkerReady, WorkerUnfit
from svlm_cli.fleet.placement import FleetPlacement, Lease

_WAIT_S: Final = 0.5
_SILENCE_S: Final = 60.0  # of a worker that nobody has declared dead
_COUNTING: Final = (FileState.TAKEN, FileState.FAILED)


@dataclass(frozen=True, slots=True)
class DispatchedItem:
    """An item, as far as it matters who has it."""

    name: str  # in messages
    weight: float  # how long it takes, compared with others
    key: ManifestKey


class Dispatcher(ABC):
    """Items on their way through a `crew`. `records`: what earlier runs, which did not end, say of them."""

    def __init__(
        self,
        items: Sequence[DispatchedItem],
        crew: Crew,
        manifest: Manifest,
        *,
        records: Mapping[str, FileRecord],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._items = tuple(items)
        self._crew = crew
        self._manifest = manifest
        self._now_s = now_s
        known = {index: found for index, one in enumerate(items) if (found := one.key.known(records)) is not None}
        self._aside = {index: one for index, one in known.items() if one.state is FileState.ASIDE}
        self._tries = {index: one.tries for index, one in known.items() if one.state in _COUNTING}  # that failed
        self._placement = FleetPlacement([one.weight for one in items], failures=self._tries)
        self._manned_s = now_s()  # when a worker was there last, or that none is was said
        self._last_loss = ""
        self._unfit: SvlmError | None = None

    @abstractmethod
    def _say(self, line: str) -> None:
        """One line for people."""

    @abstractmethod
    def _hand(self, lease: Lease) -> object | None:
        """What the worker is handed for an item; None if nothing is left to do of it."""

    @abstractmethod
    def _follow(self, lease: Lease, message: ItemMessage) -> None:
        """A worker tells of an item that it has."""

    @abstractmethod
    def _withdraw(self, lease: Lease) -> bool:
        """The worker of an item is dead. Whether it had finished it; else the item waits for another, or is put aside.

        What was known of this try is forgotten.
        """

    @abstractmethod
    def _give_up(self, index: int, error: SvlmError) -> None:
        """An item is put aside for this call."""

    def _steps(self) -> Iterator[None]:
        """Go on until each item is done or put aside. Pauses after each message, so that outcomes can be passed on.

        Raises what no worker could start for.
        """
        for index, record in self._aside.items():
            self._placement.drop([index])
            error = f"{self._items[index].name} failed {record.tries} times, and is left out."
            self._give_up(index, SvlmError(error, record.reason))
        while not self._placement.settled:
            for worker, message in self._crew.wait(_WAIT_S):
                self._handle(worker, message)
                yield
            self._watch()
            yield
            self._hand_out()

    def _handle(self, worker: str, message: Message) -> None:
        match message:
            case WorkerReady():
                self._placement.join(worker, message.streams, self._now_s(), place=message.place)
            case WorkerUnfit():
                self._unfit = message.error
                if not self._crew.expected:
                    raise message.error
                self._say(f"svlm: a worker cannot start: {message.error}")
            case WorkerLost():
                self._last_loss = f"The last one ended: {message.reason}."
                self._lose(worker, message)
            case _:
                lease = self._placement.lease(message.lease)
                if lease is not None:  # else it is a message of one that was taken for dead
                    self._follow(lease, message)

    def _watch(self) -> None:
        """Who has answered, and who has not for too long: its items go to others, whether it can be ended or not."""
        now_s = self._now_s()
        for worker in self._crew.heard():
            self._placement.renew(worker, now_s)
        for worker in self._placement.silent(now_s, _SILENCE_S):
            self._crew.dismiss(worker)
            self._lose(worker, WorkerLost(f"it has not answered for {_SILENCE_S:.0f} s"))
        if not self._crew.expected:
            raise self._unfit or SvlmError("No worker of the fleet is left.", self._last_loss)
        self._placement.expect(self._crew.expected)
        if self._placement.workers:
            self._manned_s = now_s
        elif now_s - self._manned_s > _SILENCE_S:
            self._manned_s = now_s
            self._say("svlm: no worker of the fleet is ready; still waiting for one.")

    def _hand_out(self) -> None:
        for lease in self._placement.assign(self._now_s()):
            item = self._hand(lease)
            if item is None:
                self._placement.finish(lease.number)
                continue
            self._manifest.taken(self._items[lease.item].key, lease.worker, self._tries.get(lease.item, 0))
            self._crew.give(lease.worker, lease.number, item)

    def _done(self, lease: Lease) -> None:
        """An item needs nothing more."""
        self._placement.finish(lease.number)
        self._manifest.done(self._items[lease.item].key)

    def _failed(self, lease: Lease, error: SvlmError, *, aside: bool) -> None:
        """An item cannot be done. `aside`: it failed too often, and its lease has ended."""
        if not aside:
            self._placement.finish(lease.number)
        self._manifest.failed(self._items[lease.item].key, self._tries.get(lease.item, 1), str(error), aside=aside)

    def _again(self, lease: Lease, error: SvlmError, *, delay_s: float = 0.0, counts: bool = True) -> bool:
        """Try an item once more. False if it has failed too often: its lease has ended all the same."""
        self._tries[lease.item] = self._tries.get(lease.item, 0) + counts
        if self._placement.fail(lease.number, self._now_s(), delay_s=delay_s, counts=counts):
            return False
        self._manifest.failed(self._items[lease.item].key, self._tries[lease.item], str(error), aside=False)
        return True

    def _lose(self, worker: str, message: WorkerLost) -> None:
        """Its items go to others, but for those that are finished, and those that it was not the first to die with."""
        for lease, aside in self._placement.leave(worker, self._now_s(), blamed=message.blamed):
            item = self._items[lease.item]
            self._tries[lease.item] = tries = self._tries.get(lease.item, 0) + message.blamed
            if self._withdraw(lease):
                self._placement.drop([lease.item])
                self._manifest.done(item.key)
                continue
            self._manifest.failed(item.key, tries, message.reason, aside=aside)
            if aside:
                self._give_up(lease.item, _given_up(item.name, tries, message.reason))
            else:
                self._say(f"svlm: {item.name}: its worker ended ({message.reason}); another goes on with it.")


def _given_up(name: str, tries: int, reason: str) -> SvlmError:
    return SvlmError(f"{name} is given up: {tries} workers ended while they had it.", f"The last one: {reason}.")
