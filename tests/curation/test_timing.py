"""When words are said: order, overlaps, times that are missing, words that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.curation.timing import HeardSegment, HeardWord, grouped, in_order, split, spread, within
from svlm_cli.curation.words_file import SpokenSegment, TimedWord


def cue(start_s: float, end_s: float, text: str) -> HeardSegment:
    return HeardSegment(
        start_s, end_s, tuple(HeardWord(one.text, one.start_s, one.end_s) for one in spread(text, start_s, end_s))
    )


def test_words_share_a_cue_by_their_lengths() -> None:
    """Guards the times of subtitles: a long word takes longer than a short one, and the last one ends with the cue."""
    assert spread("a four eleventeen", 10, 25) == [
        TimedWord(10, 11, "a"),
        TimedWord(11, 15, "four"),
        TimedWord(15, 25, "eleventeen"),
    ]
    assert spread("- ...", 10, 25) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What a goal!", ["What", "a", "goal!"]),
        ("- No.\n- Yes !", ["No.", "Yes!"]),
        ("♪ la \u200bla", ["♪", "la", "la"]),
        ("a\u00a0b\u3000c", ["a", "b", "c"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("...", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    """Guards words that are none: dashes of dialogues, signs that nobody sees, stops on their own."""
    assert split(text) == words


def test_cues_that_overlap() -> None:
    """Guards the order of a file: the first of two ends when the second begins; two at once are one."""
    segments = in_order([cue(5, 9, "later on"), cue(0, 6, "first of all"), cue(5, 8, "both")])
    assert [(one.start_s, one.end_s, one.text) for one in segments] == [(0, 5, "first of all"), (5, 9, "later on both")]
    assert all(word.end_s <= 5 for word in segments[0].words)


def test_words_without_times_share_what_is_left() -> None:
    """Guards WhisperX's numbers, which it cannot align: they stand between their neighbours, or fill the segment."""
    words = (HeardWord("It's", 1.0, 1.5), HeardWord("2", None, None), HeardWord("nil", 2.5, 3.0), HeardWord("now"))
    (segment,) = in_order([HeardSegment(1.0, 3.5, words)])
    assert [(one.start_s, one.end_s, one.text) for one in segment.words] == [
        (1.0, 1.5, "It's"),
        (1.5, 2.5, "2"),
        (2.5, 3.0, "nil"),
        (3.0, 3.5, "now"),
    ]


_times = st.floats(0, 100, allow_nan=False)
_words = st.tuples(st.sampled_from(["a", "b c", "-", ""]), st.none() | _times, st.none() | _times)
_segments = st.tuples(_times, _times, st.lists(_words.map(lambda one: HeardWord(*one)), max_size=4)).map(
    lambda one: HeardSegment(min(one[:2]), max(one[:2]), tuple(one[2]))
)


@given(st.lists(_segments, max_size=6))
def test_whatever_is_heard_is_in_order(heard: list[HeardSegment]) -> None:
    """Guards the writer: whatever a recogniser says of times, the file is one that its reader takes."""
    segments = in_order(heard)
    moments = [(one.start_s, [(word.start_s, word.end_s) for word in one.words], one.end_s) for one in segments]
    flat = [at for start, words, end in moments for at in (start, *(t for word in words for t in word), end)]
    assert flat == sorted(flat)
    assert all(segment.words for segment in segments)
    words = [part for one in heard for word in one.words for part in split(word.text)]
    assert sorted(words) == sorted(word.text for one in segments for word in one.words)


def test_words_alone_are_grouped_at_pauses() -> None:
    """Guards segments of recognisers that have none: a pause ends one, and so does length."""
    words = [TimedWord(index * 0.5, index * 0.5 + 0.4, "on") for index in range(45)]
    words += [TimedWord(30.0, 30.2, "later")]
    assert [(one.start_s, len(one.words)) for one in grouped(words)] == [(0.0, 40), (20.0, 5), (30.0, 1)]
    assert list(grouped([])) == []


def test_what_comes_after_the_end_is_counted() -> None:
    """Guards against the subtitles of another cut: words that nobody can see are left out, and how many is known."""
    segments = in_order([cue(0, 4, "aa bb"), cue(8, 12, "cc dd"), cue(20, 22, "ee")])
    kept, lost = within(segments, 9.0)
    assert kept == (
        SpokenSegment(0, 4, (TimedWord(0, 2, "aa"), TimedWord(2, 4, "bb"))),
        SpokenSegment(8, 9.0, (TimedWord(8, 9.0, "cc"),)),
    )
    assert lost == 2
