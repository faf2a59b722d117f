"""What carries beats and answers between the supervisor and its workers. Knows no Ray."""

from dataclasses import dataclass
from typing import Protocol

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.cameras.messages import Beat, WorkerAnswer


@dataclass(frozen=True, slots=True)
class CameraWorkerFound:
    """A worker exists: just started, or left by an earlier supervisor. It may still load its model."""


@dataclass(frozen=True, slots=True)
class CameraWorkerGone:
    """A worker is gone. If it is not surely `dead`, it may still watch until its leases run out."""

    reason: str  # without a full stop
    dead: bool
    blamed: bool = True  # its cameras may be to blame: not where the whole host is gone


@dataclass(frozen=True, slots=True)
class CameraWorkerUnfit:
    """A worker cannot work: the model cannot be used there."""

    error: SvlmError


News = CameraWorkerFound | CameraWorkerGone | CameraWorkerUnfit | WorkerAnswer


class CameraCrew(Protocol):
    """Workers, by name. One that is lost is replaced under a new name, where that can be."""

    @property
    def expected(self) -> int:
        """How many there are, those included that are still starting. Zero: nobody will come."""
        ...

    def idle(self) -> tuple[str, ...]:
        """The workers that have answered, and wait for a beat."""
        ...

    def beat(self, worker: str, beat: Beat) -> None:
        """Send a beat. Returns at once."""
        ...

    def wait(self, timeout_s: float) -> list[tuple[str, News]]:
        """What has happened since; waits so long for something."""
        ...
