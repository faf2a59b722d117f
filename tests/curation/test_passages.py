"""Passages of about two minutes, at the borders of segments."""

from pathlib import Path

from svlm_cli.curation.passages import PASSAGE_S, numbered, passages
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord


def segment(start_s: float, end_s: float, text: str = "on") -> SpokenSegment:
    return SpokenSegment(start_s, end_s, (TimedWord(start_s, end_s, text),))


def test_all_segments_are_in_one_passage() -> None:
    """Guards against segments that nobody is asked about, and passages that are too long for an editor."""
    times = [(0, 50), (50, 100), (100, 120), (120, 130), (600, 900), (900, 905)]
    video = SpokenVideo(Path("a.mp4"), 1000, tuple(segment(*one) for one in times))
    found = passages(video)
    assert [(one.first, len(one.segments)) for one in found] == [(0, 3), (3, 1), (4, 1), (5, 1)]
    assert tuple(part for one in found for part in one.segments) == video.segments
    for one in found:
        assert one.segments[-1].end_s - one.segments[0].start_s <= PASSAGE_S or len(one.segments) == 1
    long = SpokenVideo(Path("a.mp4"), 1000, (segment(0, 200), segment(200, 210)))
    assert [(one.first, len(one.segments)) for one in passages(long)] == [(0, 1), (1, 1)]
    assert passages(SpokenVideo(Path("a.mp4"), 10, ())) == []


def test_numbers_begin_at_one_in_each() -> None:
    """Guards the numbers in answers."""
    assert numbered([segment(1, 2.25, "a"), segment(3, 4, "b")]) == "1. [1.0-2.2 s] a\n2. [3.0-4.0 s] b"
