"""Moments at which pictures are taken from a video. Knows no video."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CLIP_FPS: Final = 2.0  # the maximum sampling rate of a clip


@dataclass(frozen=True, slots=True)
class Moments:
    """`count` times, `step_s` apart, starting at `start_s`."""

    start_s: float
    step_s: float
    count: int

    def __iter__(self) -> Iterator[float]:
        return (self.start_s + index * self.step_s for index in range(self.count))

    @property
    def end_s(self) -> float:
        """The end of the last moment's step."""
        return self.start_s + self.count * self.step_s


def clip_moments(start_s: float, end_s: float, frames: int, *, recent: bool) -> Moments:
    """At most `frames` moments on a grid of `CLIP_FPS`: over the whole clip, or its last seconds if `recent`.

    If the grid of a whole clip has more than `frames` moments, the step is larger. The last moment is half a second
    before the end, like the last frame of a stream at 2 fps.
    """
    step_s = 1 / CLIP_FPS
    grid = max(1, int((end_s - start_s) * CLIP_FPS + 1e-6))
    count = min(grid, frames)
    if recent or count == grid:
        return Moments(max(start_s, end_s - count * step_s), step_s, count)
    if count == 1:
        return Moments(end_s - step_s, step_s, 1)
    return Moments(start_s, (end_s - step_s - start_s) / (count - 1), count)
