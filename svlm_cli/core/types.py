"""The types that flow through the pipeline: Frame -> Chunk -> TokenEvent and Segment -> Cue.

All times are seconds on a player's clock: from the first moment of a file, or from the first picture of a camera. Knows
neither sources nor outputs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
else:
    Picture = Any  # only used in annotations; importing numpy would cost `svlm caption --help` 0.3 s
"""RGB, uint8, ``[H, W, 3]``, as displayed: rotation and sample aspect ratio are applied."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source, and when it appeared."""

    pixels: Picture
    time_s: float
    wall_clock_s: float | None = None  # Unix time of arrival, for live sources
    container_s: float | None = None  # the same time on the file's own clock, for files
    gap_s: float = 0.0  # time missing just before this frame (a reconnection)
    dropped: int = 0  # frames dropped since the last one, because the model was too slow


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """What one round shows to the model: the frames of one second, or of ``chunk_seconds``.

    Pictures may differ in size, within a chunk and between chunks.
    """

    frames: tuple[Picture, ...]
    start_s: float
    end_s: float
    wall_clock_s: float | None = None
    container_s: float | None = None
    gap_s: float = 0.0
    dropped: int = 0

    def __post_init__(self) -> None:
        assert self.frames, "a chunk shows at least one frame"
        assert self.end_s > self.start_s, "a chunk lasts some time"


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A token, at the moment it is generated."""

    stream: int
    round: int
    token_id: int
    text: str  # the text that it completes: without marker, never part of a character, often empty


@dataclass(frozen=True, slots=True)
class Segment:
    """The words of one round. Empty text is silence."""

    stream: int
    round: int
    start_s: float
    end_s: float
    text: str
    token_ids: tuple[int, ...]  # as generated, with marker and end-of-turn token
    work_s: float  # from the call of the step to the round's last token
    wall_clock_s: float | None = None
    container_s: float | None = None  # `start_s` on the file's own clock
    gap_s: float = 0.0
    dropped: int = 0
    latency_s: float | None = None  # of live sources: from the newest frame's arrival to the round's last word


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: its lines are joined by a line break."""

    start_s: float
    end_s: float
    text: str
