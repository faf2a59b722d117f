"""The driver's interface to its workers. Knows no Ray."""

from typing import Protocol

from svlm_cli.fleet.messages import Message


class Crew(Protocol):
    """Workers, by name. A lost worker is replaced, if possible, by one with a new name."""

    @property
    def expected(self) -> int:
        """How many workers there are, including those still starting. Zero if none will come."""
        ...

    def wait(self, timeout_s: float) -> list[tuple[str, Message]]:
        """The messages since the last call, with their senders; waits up to `timeout_s` for the first."""
        ...

    def heard(self) -> tuple[str, ...]:
        """The workers that have answered since the last call, with or without messages."""
        ...

    def give(self, worker: str, lease: int, item: object) -> None:
        """Give an item to a worker, without waiting. If the worker is gone, a `WorkerLost` follows."""
        ...

    def dismiss(self, worker: str) -> None:
        """End a worker that does not answer. The caller has given it up, so no `WorkerLost` need follow."""
        ...
