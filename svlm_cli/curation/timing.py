"""Word times: turns the output of transcripts and recognisers into sorted segments that do not overlap.

Pure. Knows no format.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.core.text import plain_text, says_something
from svlm_cli.curation.words_file import SpokenSegment, TimedWord

_PAUSE_S: Final = 0.7  # between words: ends a segment
_MOST_WORDS: Final = 40  # in a segment formed from single words
_SAME_S: Final = 0.05  # two segments that start this close are one
_SPOKEN: Final = frozenset("&%@#")  # symbols that are read aloud
_STOPS: Final = re.compile(r"[.,!?;:…。、！？]+")


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as received: times may be missing, and the text is unchecked."""

    text: str
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class HeardSegment:
    """A cue, or a recogniser's segment."""

    start_s: float
    end_s: float
    words: tuple[HeardWord, ...]


def spread(text: str, start_s: float, end_s: float) -> list[TimedWord]:
    """The words of `text`, timed in proportion to their lengths."""
    return spread_words(split(text), start_s, end_s)


def spread_words(words: Sequence[str], start_s: float, end_s: float) -> list[TimedWord]:
    """The same for a list of words."""
    total, done, found = sum(map(len, words)), 0, list[TimedWord]()
    begin_s = start_s
    for word in words:
        done += len(word)
        until_s = end_s if done == total else start_s + (end_s - start_s) * done / total
        found.append(TimedWord(begin_s, until_s, word))
        begin_s = until_s
    return found


def split(text: str) -> list[str]:
    """The words of a text as a file may have them: stops are attached to the word before, other symbols dropped."""
    words: list[str] = []
    for part in plain_text(text).split():
        if says_something(part) or not _SPOKEN.isdisjoint(part):
            words.append(part)
        elif words and _STOPS.fullmatch(part):
            words[-1] += part
    return words


def in_order(heard: Iterable[HeardSegment]) -> tuple[SpokenSegment, ...]:
    """Segments for a words file. If two overlap, the first ends where the second starts."""
    merged: list[HeardSegment] = []
    for one in sorted(heard, key=lambda segment: segment.start_s):
        if merged and one.start_s - merged[-1].start_s < _SAME_S:
            last = merged[-1]
            merged[-1] = HeardSegment(last.start_s, max(last.end_s, one.end_s), last.words + one.words)
        else:
            merged.append(one)
    found = []
    for index, one in enumerate(merged):
        end_s = min(one.end_s, merged[index + 1].start_s) if index + 1 < len(merged) else one.end_s
        words = _timed(one.words, one.start_s, max(one.start_s, end_s))
        if words:
            found.append(SpokenSegment(one.start_s, max(one.start_s, end_s), words))
    return tuple(found)


def _timed(heard: Sequence[HeardWord], start_s: float, end_s: float) -> tuple[TimedWord, ...]:
    """Words within the segment and in order; those without times share the gaps."""
    found: list[TimedWord] = []
    waiting: list[str] = []  # those without times
    reached_s = start_s
    for word in heard:
        parts = split(word.text)
        if word.start_s is None or word.end_s is None:
            waiting += parts
            continue
        begin_s = min(max(word.start_s, reached_s), end_s)
        found += spread_words(waiting, reached_s, begin_s)
        reached_s = min(max(word.end_s, begin_s), end_s)
        found += spread_words(parts, begin_s, reached_s)
        waiting = []
    return (*found, *spread_words(waiting, reached_s, end_s))


def grouped(words: Iterable[TimedWord]) -> Iterator[HeardSegment]:
    """Forms segments from single words: a segment ends at a pause, or at the maximum number of words."""
    group: list[TimedWord] = []
    for word in words:
        if group and (word.start_s - group[-1].end_s >= _PAUSE_S or len(group) == _MOST_WORDS):
            yield _segment(group)
            group = []
        group.append(word)
    if group:
        yield _segment(group)


def _segment(words: Sequence[TimedWord]) -> HeardSegment:
    heard = tuple(HeardWord(word.text, word.start_s, word.end_s) for word in words)
    return HeardSegment(words[0].start_s, words[-1].end_s, heard)


def within(segments: Sequence[SpokenSegment], duration_s: float) -> tuple[tuple[SpokenSegment, ...], int]:
    """The words before a video's end, and the number of those after it."""
    found, lost = [], 0
    for segment in segments:
        words = tuple(
            TimedWord(word.start_s, min(word.end_s, duration_s), word.text)
            for word in segment.words
            if word.start_s < duration_s
        )
        lost += len(segment.words) - len(words)
        if words:
            found.append(SpokenSegment(segment.start_s, min(segment.end_s, duration_s), words))
    return tuple(found), lost
