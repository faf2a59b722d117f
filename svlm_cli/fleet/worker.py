"""A worker of a fleet: one model, and items that come one by one, as many at once as it has streams.

Whoever drives it hands it items and asks for its messages. It works in a thread of its own, so that it answers while it
works. Knows neither the items, nor the other workers, nor what carries the messages.
"""

import os
from collections import deque
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import Any, Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.messages import Message, WorkerOrder, WorkerReady, WorkerUnfit
from svlm_cli.fleet.work import Items, WorkerSite, WorkRun

_STOP_S: Final = 10.0
_MESSAGES: Final = 200  # at once: small enough to travel in the answer itself, which is not lost with the host's store


class FleetWorker(Closing):
    """Loads its model at once. `cores` are for it alone; `place` is the disk that it shares with others."""

    def __init__(self, order: WorkerOrder, *, cores: int, place: str = "") -> None:
        self._order = order
        self._cores = cores
        self._place = place
        self._mail: deque[Message] = deque()
        self._changed = Condition()
        self._error: BaseException | None = None
        self._wanted: SimpleQueue[tuple[int, Any] | None] = SimpleQueue()  # None: no more come
        self._run: WorkRun | None = None
        self._stopped = False
        self._thread = Thread(target=self._guarded, name="svlm-worker", daemon=True)
        self._thread.start()

    def take(self, lease: int, item: object) -> None:
        """One more item. Returns at once."""
        self._wanted.put((lease, item))

    def messages(self, patience_s: float) -> list[Message]:
        """What has happened since the last call; waits so long for something. Raises what ended the work."""
        with self._changed:
            self._changed.wait_for(lambda: self._mail or self._error is not None, patience_s)
            found = [self._mail.popleft() for _ in range(min(len(self._mail), _MESSAGES))]
            if not found and self._error is not None:
                raise self._error
            return found

    def close(self) -> None:
        """Stop: what is open is closed as it is."""
        self._stopped = True
        self._wanted.put(None)
        run = self._run
        if run is not None:
            run.stop()
        self._thread.join(_STOP_S)

    def _post(self, message: Message) -> None:
        with self._changed:
            self._mail.append(message)
            self._changed.notify_all()

    def _guarded(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for messages
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _work(self) -> None:
        from svlm_cli.fleet.loading import load_engine

        order = self._order
        folder = None if _entered(order.folder) else order.folder
        try:
            engine = load_engine(order, cores=self._cores)
            self._run = order.work.begin(WorkerSite(engine, self._post, folder))
        except SvlmError as error:
            self._post(WorkerUnfit(error))
            return
        self._post(WorkerReady(engine.max_streams, self._place))
        with closing(self._run):
            while not self._stopped:
                first = self._wanted.get()
                if first is None:
                    return
                self._run.run(self._items(first))

    def _items(self, first: tuple[int, Any]) -> Items:
        """The items in hand, then those that come."""
        wanted: tuple[int, Any] | None = first
        while wanted is not None:
            yield wanted
            while True:
                try:
                    wanted = self._wanted.get_nowait()
                    break
                except Empty:
                    yield None
        self._stopped = True


def _entered(folder: Path) -> bool:
    """Be where the driver is, so that names mean the same and errors quote them alike. Whether that can be."""
    try:
        os.chdir(folder)
    except OSError:
        return False
    return True
