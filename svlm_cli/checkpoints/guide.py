"""``guide.toml`` beside a known model's card: purpose, memory, and measured speeds.

Contains measurements and sums, which tests compare with their sources; computes nothing. Knows no machine:
``recommendation.py`` decides whether a model suits one.
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

_MOST_BYTES = 20_000  # a guide is one page long
_MOST_SECONDS = 1e6
_MOST_FPS = 1000
_MOST_GB = 1e6


class Purpose(StrEnum):
    """A model's purpose, in order of usefulness for real footage."""

    COMMENTARY = "commentary"  # trained to comment on a running video
    GENERAL = "general"  # broadly trained, but not for streaming
    MOTION = "motion"  # says what moves in any video, and names nothing
    DEMONSTRATION = "demonstration"  # knows one simulated world
    UNKNOWN = "unknown"


class Precision(StrEnum):
    """A number format, named as for `--dtype`."""

    BFLOAT16 = "bfloat16"
    FP8 = "fp8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Peak memory of one stream, including loading."""

    dtype: Precision
    fps: Annotated[float, Within(0, _MOST_FPS, above=True)]
    gb: Annotated[float, Within(0, _MOST_GB, above=True)]  # 10^9 bytes

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class MeasuredSpeed:
    """The time that one second of video took on some hardware."""

    hardware: str  # a GPU, as named by its driver, or "CPU"
    dtype: Precision
    fps: Annotated[float, Within(0, _MOST_FPS, above=True)]
    seconds: Annotated[float, Within(0, _MOST_SECONDS, above=True)]  # of work per second of video
    source: str  # the page or file of this project that contains it
    how: str = ""  # conditions of the measurement
    cores: int = 0  # of a CPU

    def __post_init__(self) -> None:
        require_usable(self)

    @property
    def times_real_time(self) -> float:
        """Seconds of video per second of work."""
        return 1 / self.seconds

    @property
    def where(self) -> str:
        """The hardware, for a sentence."""
        return f"{self.cores} CPU cores" if self.on_cpu else self.hardware

    @property
    def on_cpu(self) -> bool:
        """Whether it ran without a GPU."""
        return self.hardware == "CPU"


class _AtRate(Protocol):
    @property
    def dtype(self) -> Precision: ...
    @property
    def fps(self) -> float: ...


Row = TypeVar("Row", bound=_AtRate)


@dataclass(frozen=True, slots=True)
class Guide:
    """The contents of a ``guide.toml``."""

    purpose: Purpose = Purpose.UNKNOWN
    introduction: str = ""  # what users who have named no model should know if this one speaks
    memory: tuple[MemoryNeed, ...] = ()
    speed: tuple[MeasuredSpeed, ...] = ()

    def need(self, dtype: Precision, fps: float) -> MemoryNeed | None:
        """The row that suffices for `fps`; None if there is none, because memory must not be underestimated."""
        same = Precision.BFLOAT16 if dtype is Precision.FLOAT16 else dtype  # the same size
        return at_least(fps, (one for one in self.memory if one.dtype is same))

    def floor(self, dtype: Precision) -> MemoryNeed | None:
        """The row of the highest rate: a lower bound for higher rates."""
        return max((one for one in self.memory if one.dtype is dtype), key=lambda one: one.fps, default=None)

    def speeds(self, dtype: Precision, fps: float) -> tuple[MeasuredSpeed, ...]:
        """For each hardware, the row that suffices for `fps`: lower rates are not slower."""
        rows = [one for one in self.speed if one.dtype is dtype]
        kinds = dict.fromkeys(one.where for one in rows)
        found = (at_least(fps, (one for one in rows if one.where == kind)) for kind in kinds)
        return tuple(one for one in found if one is not None)


def at_least(fps: float, rows: Iterable[Row]) -> Row | None:
    """The row with the lowest rate that is at least `fps`."""
    return min((one for one in rows if one.fps >= fps), key=lambda one: one.fps, default=None)


def read(folder: Path) -> Guide:
    """The guide in a model's folder; empty if there is none. Raises `ModelError` naming file and key."""
    path = folder / GUIDE_FILE
    if not path.is_file():
        return Guide()
    try:
        data = read_bytes(path, most=_MOST_BYTES)
    except UnreadableError as error:
        raise ModelError(f"{path} is not a valid guide: {error}.", "Install svlm-cli again.") from error
    document = toml.Document(str(path), ModelError, [*toml.keys(Guide)])
    guide: Guide = document.value(Guide, document.tables(toml.decode(data, path, ModelError)), "")
    return guide
