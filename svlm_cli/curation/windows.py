"""Cuts a video into windows by its words, and decides which are left out, with one reason each.

Pure. Knows no file, and no other videos.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from svlm_cli.core.clips import SpokenPart, speech_clips
from svlm_cli.core.errors import UsageError
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord


class LeftOut(StrEnum):
    """Why a window is left out; the first reason that applies counts."""

    SHORT = "too short"
    LONG = "too long"
    LANGUAGE = "another language"
    FEW_WORDS = "too few words a second"
    SILENCE = "too long a silence"
    SAME = "the same words as another"
    SIMILAR = "nearly the same words as another"


@dataclass(frozen=True, slots=True)
class WindowRules:
    """How windows are cut, and which are good. `UsageError` for invalid values."""

    seconds: float = 24.0  # length of a window
    overlap_s: float = 12.0  # with the previous window
    clips_s: tuple[float, float] | None = None  # clips of whole segments instead: minimum and maximum length
    words_per_second: float = 2.0  # minimum
    silence_s: float | None = None  # maximum, between words and at both ends
    language: str = ""  # empty: any

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_s < self.seconds:
            raise UsageError(
                f"Windows of {self.seconds:g} s cannot share {self.overlap_s:g} s with the one before.",
                "Choose an --overlap from 0 to less than --seconds.",
            )


@dataclass(frozen=True, slots=True)
class SpokenWindow:
    """A stretch of a video, and the words that end in it."""

    start_s: float
    end_s: float
    words: tuple[TimedWord, ...]
    before: int  # number of the video's words that end earlier

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    @property
    def words_per_second(self) -> float:
        """The average."""
        return len(self.words) / self.seconds if self.seconds else 0.0

    @property
    def silence_s(self) -> float:
        """The longest silence in it."""
        reached_s, longest_s = self.start_s, 0.0
        for word in self.words:
            longest_s = max(longest_s, word.start_s - reached_s)
            reached_s = word.end_s
        return max(longest_s, self.end_s - reached_s)


def words_of(video: SpokenVideo) -> tuple[TimedWord, ...]:
    """All words of a video, in order."""
    return tuple(word for segment in video.segments for word in segment.words)


def windows_of(video: SpokenVideo, words: Sequence[TimedWord], rules: WindowRules) -> Iterator[SpokenWindow]:
    """All windows of a video, good and bad; `words` are all its words."""
    ends = [word.end_s for word in words]
    stretches = _even(video.duration_s, rules) if rules.clips_s is None else _clips(video.segments, rules)
    for start_s, end_s in stretches:
        first, last = bisect_right(ends, start_s), bisect_right(ends, end_s)  # words belong to where they end
        yield SpokenWindow(start_s, end_s, tuple(words[first:last]), first)


def why_left_out(window: SpokenWindow, language: str, rules: WindowRules) -> LeftOut | None:
    """The problem of a window of a video in that language, or None."""
    shortest_s, longest_s = rules.clips_s or (rules.seconds, rules.seconds)
    if window.seconds < shortest_s:
        return LeftOut.SHORT
    if window.seconds > longest_s:
        return LeftOut.LONG
    if rules.language and language.casefold() != rules.language.casefold():
        return LeftOut.LANGUAGE
    if not window.words or window.words_per_second < rules.words_per_second:
        return LeftOut.FEW_WORDS
    if rules.silence_s is not None and window.silence_s > rules.silence_s:
        return LeftOut.SILENCE
    return None


def _even(duration_s: float, rules: WindowRules) -> Iterator[tuple[float, float]]:
    """Windows of equal length from the video's start; the last one ends with the video, and may be shorter."""
    stride_s = rules.seconds - rules.overlap_s
    for index in count():
        start_s = index * stride_s
        if start_s >= duration_s:
            return
        yield start_s, min(start_s + rules.seconds, duration_s)
        if start_s + rules.seconds >= duration_s:
            return


def _clips(segments: Sequence[SpokenSegment], rules: WindowRules) -> Iterator[tuple[float, float]]:
    """Runs of whole segments."""
    assert rules.clips_s is not None
    parts = (
        SpokenPart(segment.start_s, segment.end_s, segment.words[0].start_s, segment.words[-1].end_s)
        for segment in segments
    )
    return speech_clips(parts, longest_s=rules.clips_s[1], silence_s=rules.silence_s)
