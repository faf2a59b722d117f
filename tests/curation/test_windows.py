"""Windows of a video's words: which there are, what is in them, and why some are left out."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.curation.windows import LeftOut, SpokenWindow, WindowRules, why_left_out, windows_of, words_of
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord
from tests.curation.speech import spoken

CLIPS = WindowRules(clips_s=(16.0, 64.0), silence_s=3.0)


def _windows(video: SpokenVideo, rules: WindowRules) -> list[SpokenWindow]:
    return list(windows_of(video, words_of(video), rules))


def _segments(*spans: tuple[float, float]) -> SpokenVideo:
    """Segments that are spoken from end to end, a word a second or part of one."""
    segments = []
    for start_s, end_s in spans:
        cuts = [start_s, *(float(one) for one in range(int(start_s) + 1, int(end_s) + 1) if one < end_s), end_s]
        words = tuple(TimedWord(begin, end, "word") for begin, end in itertools.pairwise(cuts))
        segments.append(SpokenSegment(start_s, end_s, words))
    return SpokenVideo(Path("a.mp4"), 1000.0, tuple(segments))


def test_windows_share_half_of_themselves_and_end_with_the_video() -> None:
    """Guards the grid of the paper: 24 s that overlap by 12; what is left at the end is seen, to be counted."""
    found = _windows(spoken(Path("a.mp4"), 61.0), WindowRules())
    spans = [(one.start_s, one.end_s) for one in found]
    assert spans == [(0, 24), (12, 36), (24, 48), (36, 60), (48, 61)]
    assert [why_left_out(one, "en", WindowRules()) for one in found] == [None] * 4 + [LeftOut.SHORT]
    assert len(_windows(spoken(Path("a.mp4"), 60.0), WindowRules())) == 4


def test_a_word_is_in_the_window_in_which_it_ends() -> None:
    """Guards the rule of training at both borders: a word that ends at the start is not in, one at the end is."""
    words = tuple(TimedWord(end - 0.5, end, str(end)) for end in (12.0, 12.1, 24.0, 36.0, 36.1))
    video = SpokenVideo(Path("a.mp4"), 48.0, (SpokenSegment(11.5, 36.1, words),))
    window = _windows(video, WindowRules())[1]
    assert ([word.text for word in window.words], window.before) == (["12.1", "24.0", "36.0"], 1)


def test_silence_counts_at_both_ends_and_between() -> None:
    """Guards against a window that begins or ends with silence and passes for dense."""
    words = (TimedWord(2.0, 3.0, "a"), TimedWord(7.5, 8.0, "b"))
    assert SpokenWindow(0.0, 10.0, words, 0).silence_s == 4.5
    assert SpokenWindow(-3.0, 10.0, words, 0).silence_s == 5.0
    assert SpokenWindow(0.0, 16.0, words, 0).silence_s == 8.0
    assert SpokenWindow(0.0, 16.0, (), 0).silence_s == 16.0


def test_each_window_is_left_out_for_its_reason() -> None:
    """Guards the reasons: what people read of a set must be so."""
    window = _windows(spoken(Path("a.mp4"), 24.0), WindowRules())[0]
    assert 2.0 < window.words_per_second < 3.1
    assert why_left_out(window, "en", WindowRules()) is None
    assert why_left_out(window, "en", WindowRules(words_per_second=3.2)) is LeftOut.FEW_WORDS
    assert why_left_out(window, "en", WindowRules(silence_s=0.1)) is LeftOut.SILENCE
    assert why_left_out(window, "en", WindowRules(silence_s=4.0)) is None
    assert why_left_out(window, "de", WindowRules(language="en")) is LeftOut.LANGUAGE
    assert why_left_out(window, "", WindowRules(language="en")) is LeftOut.LANGUAGE
    assert why_left_out(window, "EN", WindowRules(language="en")) is None
    assert why_left_out(replace(window, words=()), "en", WindowRules(words_per_second=0.0)) is LeftOut.FEW_WORDS


def test_clips_are_whole_segments_up_to_a_silence() -> None:
    """Guards the second set: borders are those of segments, and no clip holds more silence than it may."""
    video = _segments((5, 20), (21, 30), (34, 50), (52.5, 60))
    assert [(one.start_s, one.end_s) for one in _windows(video, CLIPS)] == [(5, 30), (34, 60)]
    reasons = [why_left_out(one, "", replace(CLIPS, words_per_second=0.5)) for one in _windows(video, CLIPS)]
    assert reasons == [None, None]


def test_clips_are_no_longer_than_the_longest() -> None:
    """Guards the length: a run of segments is cut before it is too long, and what is left may be too short."""
    video = _segments(*((at, at + 10) for at in range(0, 70, 10)), (100, 170))
    rules = replace(CLIPS, words_per_second=0.5)
    found = [(one.start_s, one.end_s, why_left_out(one, "", rules)) for one in _windows(video, rules)]
    assert found == [(0, 60, None), (60, 70, LeftOut.SHORT), (100, 170, LeftOut.LONG)]


def test_no_clip_holds_a_silence_that_is_too_long() -> None:
    """Guards pauses inside of a segment, where no border cuts them off."""
    words = (TimedWord(0.0, 10.0, "a"), TimedWord(14.0, 20.0, "b"))
    video = SpokenVideo(Path("a.mp4"), 30.0, (SpokenSegment(0.0, 20.0, words),))
    rules = replace(CLIPS, words_per_second=0.0)
    assert [why_left_out(one, "", rules) for one in _windows(video, rules)] == [LeftOut.SILENCE]


def test_windows_that_do_not_move_on_are_refused() -> None:
    """Guards against a call that never ends."""
    with pytest.raises(UsageError, match="cannot share 24 s"):
        WindowRules(overlap_s=24.0)
