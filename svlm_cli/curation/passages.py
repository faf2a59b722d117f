"""Passages of a video's segments: what an editor reads at once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo

PASSAGE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive segments of a video."""

    video: SpokenVideo
    first: int  # index of the first one among the video's segments
    segments: tuple[SpokenSegment, ...]

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.video.video.name} from {self.segments[0].start_s:g} s"


def passages(video: SpokenVideo) -> list[Passage]:
    """All segments, in passages up to `PASSAGE_S`; a single segment may be longer."""
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
    """For an editor: one line per segment, with number, time and words."""
    lines = (f"{number}. [{one.start_s:.1f}-{one.end_s:.1f} s] {one.text}" for number, one in enumerate(segments, 1))
    return "\n".join(lines)
