"""Passages of a video's segments: what an editor reads in one go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo

PASSAGE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Segments that follow one another, and the video that they are of."""

    video: SpokenVideo
    first: int  # which of the video's segments it begins with
    segments: tuple[SpokenSegment, ...]

    @property
    def name(self) -> str:
        """As in a sentence."""
        return f"{self.video.video.name} from {self.segments[0].start_s:g} s"


def passages(video: SpokenVideo) -> list[Passage]:
    """All segments, in passages that are as long as `PASSAGE_S` allows; one segment alone may be longer."""
    found: list[Passage] = []
    first = 0
    for index, segment in enumerate(video.segments):
        if index > first and segment.end_s - video.segments[first].start_s > PASSAGE_S:
            found.append(_passage(video, first, index))
            first = index
    return [*found, _passage(video, first, len(video.segments))] if video.segments else []


def _passage(video: SpokenVideo, first: int, end: int) -> Passage:
    return Passage(video, first, tuple(video.segments[first:end]))


def numbered(segments: Sequence[SpokenSegment]) -> str:
    """As an editor reads them: a number, when it is said, and what, a line each."""
    lines = (f"{number}. [{one.start_s:.1f}-{one.end_s:.1f} s] {one.text}" for number, one in enumerate(segments, 1))
    return "\n".join(lines)
