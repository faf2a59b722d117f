"""``guide.toml`` beside a known model's card: what it is for, what memory it takes, how fast it was where it ran.

Measurements and sums, which tests hold against their sources; nothing is computed here. Knows no machine: whether a
model suits one is said by ``recommendation.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from svlm_cli.checkpoints import toml
from svlm_cli.checkpoints.reading import UnreadableError, read_bytes
from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.errors import ModelError

GUIDE_FILE = "guide.toml"

_MOST_BYTES = 20_000  # a guide is a page long
_MOST_SECONDS = 1e6
_MOST_FPS = 1000
_MOST_GB = 1e6


class Purpose(StrEnum):
    """What a model is there for; the better ones for captions of real footage first."""

    COMMENTARY = "commentary"  # trained to speak while a video plays
    GENERAL = "general"  # has seen everything, and was not trained to stream
    DEMONSTRATION = "demonstration"  # knows one simulated world
    UNKNOWN = "unknown"


class Precision(StrEnum):
    """A number format, as `--dtype` names it."""

    BFLOAT16 = "bfloat16"
    FP8 = "fp8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The most that one stream takes at once, loading included."""

    dtype: Precision
    fps: Annotated[float, Within(0, _MOST_FPS, above=True)]
    gb: Annotated[float, Within(0, _MOST_GB, above=True)]  # 10^9 bytes

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class MeasuredSpeed:
    """How long one second of video took somewhere."""

    hardware: str  # a GPU by the name that its driver gives it, or "CPU"
    dtype: Precision
    fps: Annotated[float, Within(0, _MOST_FPS, above=True)]
    seconds: Annotated[float, Within(0, _MOST_SECONDS, above=True)]  # of work, for a second of video
    source: str  # the page or file of the project that has it
    how: str = ""  # what has to be known beside it
    cores: int = 0  # of a CPU

    def __post_init__(self) -> None:
        require_usable(self)

    @property
    def times_real_time(self) -> float:
        """How many seconds of video a second of work is enough for."""
        return 1 / self.seconds

    @property
    def where(self) -> str:
        """The hardware in a sentence."""
        return f"{self.cores} CPU cores" if self.on_cpu else self.hardware

    @property
    def on_cpu(self) -> bool:
        """Whether no GPU was used."""
        return self.hardware == "CPU"


class _AtRate(Protocol):
    @property
    def dtype(self) -> Precision: ...
    @property
    def fps(self) -> float: ...


Row = TypeVar("Row", bound=_AtRate)


@dataclass(frozen=True, slots=True)
class Guide:
    """The whole of one ``guide.toml``."""

    purpose: Purpose = Purpose.UNKNOWN
    memory: tuple[MemoryNeed, ...] = ()
    speed: tuple[MeasuredSpeed, ...] = ()

    def need(self, dtype: Precision, fps: float) -> MemoryNeed | None:
        """The row that is enough for `fps`; None if there is none, since memory must not be guessed too low."""
        same = Precision.BFLOAT16 if dtype is Precision.FLOAT16 else dtype  # as many bytes
        return at_least(fps, (one for one in self.memory if one.dtype is same))

    def floor(self, dtype: Precision) -> MemoryNeed | None:
        """The row of the highest rate that there is: at higher ones no less is needed."""
        return max((one for one in self.memory if one.dtype is dtype), key=lambda one: one.fps, default=None)

    def speeds(self, dtype: Precision, fps: float) -> tuple[MeasuredSpeed, ...]:
        """Of each kind of hardware the row that is enough for `fps`: at a lower rate it is no slower."""
        rows = [one for one in self.speed if one.dtype is dtype]
        kinds = dict.fromkeys(one.where for one in rows)
        found = (at_least(fps, (one for one in rows if one.where == kind)) for kind in kinds)
        return tuple(one for one in found if one is not None)


def at_least(fps: float, rows: Iterable[Row]) -> Row | None:
    """The row of the lowest rate that is not below `fps`."""
    return min((one for one in rows if one.fps >= fps), key=lambda one: one.fps, default=None)


def read(folder: Path) -> Guide:
    """The guide in a model's folder, an empty one if there is none. Raises `ModelError`, naming file and key."""
    path = folder / GUIDE_FILE
    if not path.is_file():
        return Guide()
    try:
        data = read_bytes(path, most=_MOST_BYTES)
    except UnreadableError as error:
        raise ModelError(f"{path} is no guide: {error}.", "Install svlm-cli again.") from error
    document = toml.Document(str(path), ModelError, [*toml.keys(Guide)])
    guide: Guide = document.value(Guide, document.tables(toml.decode(data, path, ModelError)), "")
    return guide
