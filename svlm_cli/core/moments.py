"""The times at which pictures are taken of a video. Knows no video."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CLIP_FPS: Final = 2.0  # the most frames a second that are taken of a clip


@dataclass(frozen=True, slots=True)
class Moments:
    """`count` times, `step_s` apart, from `start_s` on."""

    start_s: float
    step_s: float
    count: int

    def __iter__(self) -> Iterator[float]:
        return (self.start_s + index * self.step_s for index in range(self.count))

    @property
    def end_s(self) -> float:
        """Up to when the last one is on screen."""
        return self.start_s + self.count * self.step_s


def clip_moments(start_s: float, end_s: float, frames: int, *, recent: bool) -> Moments:
    """Of a clip's frames, at most so many, on a grid of `CLIP_FPS`: of all that may be seen, or of its last seconds.

    Where the grid has more than `frames` times, those of all are further apart. The last one is half a second before
    the end, as the last frame that a stream of two a second sees.
    """
    step_s = 1 / CLIP_FPS
    grid = max(1, int((end_s - start_s) * CLIP_FPS + 1e-6))
    count = min(grid, frames)
    if recent or count == grid:
        return Moments(max(start_s, end_s - count * step_s), step_s, count)
    if count == 1:
        return Moments(end_s - step_s, step_s, 1)
    return Moments(start_s, (end_s - step_s - start_s) / (count - 1), count)
