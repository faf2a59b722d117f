"""Groups consecutive speech into clips for an annealing set. Knows neither words nor videos."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenPart:
    """A stretch of speech that is never split between clips."""

    start_s: float
    end_s: float
    said_from_s: float  # start of its first word, which may be later than `start_s`
    said_until_s: float  # end of its last word


def speech_clips(
    parts: Iterable[SpokenPart], *, longest_s: float, silence_s: float | None
) -> Iterator[tuple[float, float]]:
    """Disjoint runs of consecutive parts, each at most `longest_s` long and ended early by a long silence.

    A part that is too long by itself, or stands alone, is a clip too.
    """
    clip: tuple[float, float] | None = None
    said_until_s = 0.0
    for part in parts:
        goes_on = silence_s is None or part.said_from_s - said_until_s <= silence_s
        if clip is not None and goes_on and part.end_s - clip[0] <= longest_s:
            clip = clip[0], part.end_s
        else:
            if clip is not None:
                yield clip
            clip = part.start_s, part.end_s
        said_until_s = part.said_until_s
    if clip is not None:
        yield clip
