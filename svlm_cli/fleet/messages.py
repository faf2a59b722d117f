"""What driver and workers tell each other: plain data that can be pickled. No torch, no Ray."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.work import Work

if TYPE_CHECKING:  # numpy, which takes long to import
    from svlm_cli.evals.generation.journal import SaidRound
    from svlm_cli.evals.generation.record import StretchEnding


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """Which model a worker loads, and how it computes. Each worker finds the checkpoint by itself."""

    model: str | None = None
    revision: str | None = None
    offline: bool = False
    adapter: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    attention: str = "auto"
    graphs: bool = True


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """All that a worker must know beside its items."""

    model: ModelOrder
    policy: StreamPolicy
    work: Work
    folder: Path  # where the driver runs: relative paths begin there
    streams: int | None = None  # at once; None: as many as fit
    items: int = 1  # of the whole call: neither more workers nor more streams are needed


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The model is loaded, with room for so many streams."""

    streams: int
    place: str


@dataclass(frozen=True, slots=True)
class WorkerUnfit:
    """The worker cannot work: the model cannot be used there."""

    error: SvlmError


@dataclass(frozen=True, slots=True)
class FileOpened:
    """A file is open and its rounds begin."""

    lease: int
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class FileHeard:
    """A round of a file is over."""

    lease: int
    event: RoundEnded


@dataclass(frozen=True, slots=True)
class FileEnded:
    """A file is over: captioned, or failed by `error`."""

    lease: int
    error: SvlmError | None = None
    notices: tuple[str, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class StretchSaid:
    """A round of a stretch is over."""

    lease: int
    said: "SaidRound"


@dataclass(frozen=True, slots=True)
class StretchEnded:
    """A stretch is over."""

    lease: int
    ending: "StretchEnding"


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker is dead or out of reach."""

    reason: str  # without a full stop
    blamed: bool = True  # its items may be to blame: not where the whole host is gone


ItemMessage = FileOpened | FileHeard | FileEnded | StretchSaid | StretchEnded
Message = WorkerReady | WorkerUnfit | WorkerLost | ItemMessage
