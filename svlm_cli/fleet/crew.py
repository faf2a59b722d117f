"""What carries messages between the driver and its workers, as the driver sees it. Knows no Ray."""

from typing import Protocol

from svlm_cli.fleet.messages import Message


class Crew(Protocol):
    """Workers, by name. They come and go: one that is lost is replaced under a new name, where that can be."""

    @property
    def expected(self) -> int:
        """How many there are, those included that are still starting. Zero: nobody will come."""
        ...

    def wait(self, timeout_s: float) -> list[tuple[str, Message]]:
        """What workers have told since; waits so long for something."""
        ...

    def heard(self) -> tuple[str, ...]:
        """The workers that have answered since the last call, whether they had anything to tell or not."""
        ...

    def give(self, worker: str, lease: int, item: object) -> None:
        """Hand an item to a worker. Returns at once; if the worker is gone, `WorkerLost` says so."""
        ...

    def dismiss(self, worker: str) -> None:
        """End a worker that does not answer. Whoever says so has given it up: `WorkerLost` need not follow."""
        ...
