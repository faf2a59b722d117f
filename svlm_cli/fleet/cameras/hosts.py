"""Which hosts are in the cluster, and which of them can be reached: looked at in a thread of its own.

A host that is out of reach keeps whoever asks it waiting for seconds. The supervisor must not wait: its workers' leases
would run out. Knows no Ray.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.shares import Node

_EVERY_S: Final = 3.0
_TOGETHER: Final = 32  # hosts that are asked at the same time


@dataclass(frozen=True, slots=True)
class HostsSeen:
    """One look at all hosts. It began at `begun_s` of the monotonic clock."""

    begun_s: float
    nodes: tuple[Node, ...]
    reachable: frozenset[str]


class HostWatch(Closing):
    """Looks at all hosts every few seconds, and when asked to. The first look is done at once, in this thread."""

    def __init__(self, look: Callable[[], list[Node]], answers: Callable[[Node], bool]) -> None:
        self._look = look
        self._answers = answers
        self._error: BaseException | None = None
        self._wanted = Event()
        self._closing = Event()
        self._pool = ThreadPoolExecutor(_TOGETHER, thread_name_prefix="svlm-hosts")
        self._seen = self._see()
        self._thread = Thread(target=self._run, name="svlm-hosts", daemon=True)
        self._thread.start()

    @property
    def seen(self) -> HostsSeen:
        """The last look. Raises `SvlmError` if nobody can look any more."""
        if self._error is not None:
            raise SvlmError("The cluster does not say any more which hosts it has.", "Is its head still there?") from (
                self._error
            )
        return self._seen

    def look_again(self) -> None:
        """Look soon, without waiting for the next turn."""
        self._wanted.set()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._wanted.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wanted.wait(_EVERY_S)
            self._wanted.clear()
            if self._closing.is_set():
                return
            try:
                self._seen = self._see()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks
                if not self._closing.is_set():
                    self._error = error
                return

    def _see(self) -> HostsSeen:
        begun_s = time.monotonic()
        nodes = self._look()
        answered = list(self._pool.map(self._answers, nodes))
        return HostsSeen(
            begun_s, tuple(nodes), frozenset(one.name for one, there in zip(nodes, answered, strict=True) if there)
        )
