"""What a fleet is for: what a worker does with the items that it is handed. Knows no item, and imports no torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.fleet.messages import Message

Items = Iterator[tuple[int, Any] | None]
"""Items with the numbers of their leases; None if there is none at the moment."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkerSite:
    """Where work is done: an engine, and whom to tell."""

    engine: "Engine"
    post: "Callable[[Message], None]"
    folder: Path | None = None  # of the driver, where relative paths begin; None: the worker is there


class WorkRun(Protocol):
    """Work under way in a worker."""

    def run(self, items: Items) -> None:
        """Do these, as many at once as the engine has streams, until none is left and none comes for a moment."""
        ...

    def stop(self) -> None:
        """End `run` soon. Returns at once; may be called from any thread."""
        ...

    def close(self) -> None:
        """Release what is held between two calls of `run`."""
        ...


class Work(Protocol):
    """One kind of work, as the driver describes it: plain picklable data."""

    def begin(self, site: WorkerSite) -> WorkRun:
        """Begin in a worker. Raises `SvlmError` if the worker cannot do it."""
        ...
