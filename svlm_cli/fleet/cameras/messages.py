"""What supervisor and camera workers tell each other: plain data that can be pickled. No torch, no Ray."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus

if TYPE_CHECKING:
    from svlm_cli.pipeline.batch import Job


@dataclass(frozen=True, slots=True)
class Beat:
    """What the supervisor says to a worker, again and again: the answers that have arrived, and what to watch now.

    It names all that is to be watched, so that a beat that was lost needs no repetition.
    """

    supervisor: int  # when it began; workers obey the latest
    number: int  # rising: an older beat that arrives late is ignored
    heard: int  # the last answer that has arrived; 0: none
    heard_event: int  # the same for events
    wanted: tuple[int, ...] | None  # leases; None: what is watched may go on
    new: "tuple[tuple[int, Job], ...]" = ()  # those that the worker has not confirmed


@dataclass(frozen=True, slots=True)
class CameraHeard:
    """Something happened to a camera."""

    lease: int
    event: RoundEnded | SourceStatus


@dataclass(frozen=True, slots=True)
class CameraEnded:
    """A camera has come to its end, by itself or by an error."""

    lease: int
    error: SvlmError | None = None
    notices: tuple[str, ...] = ()


CameraEvent = CameraHeard | CameraEnded


@dataclass(frozen=True, slots=True)
class HeldCamera:
    """A camera that a worker watches."""

    lease: int
    name: str


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """What a worker answers to a beat. Events are repeated until the supervisor has heard them."""

    number: int
    supervisor: int  # whom the worker obeys
    beat: int  # the last one that has arrived
    streams: int  # 0: the model is still loading
    load: float | None  # the share of its time that it worked; None: not known yet
    held: tuple[HeldCamera, ...]
    first_event: int = 1
    events: tuple[CameraEvent, ...] = ()
    unfit: SvlmError | None = None  # the model cannot be used there
