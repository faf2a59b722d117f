"""Clips of simulated matches: by the rule of `svlm data windows --annealing`, and by what pictures show."""

import itertools
from pathlib import Path

import pytest

from svlm_cli.curation.windows import WindowRules, why_left_out, windows_of, words_of
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord
from svlm_cli.simulator.match.commentary import CommentaryWord, words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.training.clip_recipe import ClipRecipe
from svlm_cli.training.match_clips import match_clips

ANNEALING = ClipRecipe(longest_seconds=64)
MATCH_S = 1800


@pytest.fixture(scope="module")
def said() -> tuple[CommentaryWord, ...]:
    return words(Match(3, Split.TRAIN), 0, MATCH_S)


def _sentences(said: tuple[CommentaryWord, ...]) -> list[list[CommentaryWord]]:
    sentences: list[list[CommentaryWord]] = [[]]
    for word in said:
        sentences[-1].append(word)
        if word.text.endswith("."):
            sentences.append([])
    return sentences[:-1]


def test_they_are_those_of_svlm_data_windows(said: tuple[CommentaryWord, ...]) -> None:
    """Guards one rule for both: a segment a sentence, in whole seconds, cut, and what is too short left out."""
    segments = tuple(
        SpokenSegment(
            float(sentence[0].second),
            float(sentence[-1].second + 1),
            tuple(TimedWord(word.start_s, word.end_s, word.text) for word in sentence),
        )
        for sentence in _sentences(said)
    )
    video = SpokenVideo(Path("a.mp4"), float(MATCH_S), segments)
    rules = WindowRules(clips_s=(16.0, 64.0), silence_s=3.0, words_per_second=0.0)
    theirs = [
        range(int(one.start_s), int(one.end_s))
        for one in windows_of(video, words_of(video), rules)
        if why_left_out(one, "en", rules) is None
    ]
    assert match_clips(said, ANNEALING) == theirs
    assert len(theirs) > 10


@pytest.mark.parametrize("silence_s", [1.0, 3.0])
def test_no_silence_is_longer_and_no_clip_cuts_a_sentence(said: tuple[CommentaryWord, ...], silence_s: float) -> None:
    rules = ClipRecipe(longest_seconds=40, shortest_seconds=8, silence_seconds=silence_s)
    clips = match_clips(said, rules)
    assert clips
    for clip in clips:
        assert 8 <= len(clip) <= 40
        inside = [word for word in said if word.second in clip]
        gaps = [later.start_s - earlier.end_s for earlier, later in itertools.pairwise(inside)]
        assert max(gaps) <= silence_s + 1e-6
        assert inside[0] in [sentence[0] for sentence in _sentences(said)]
        assert inside[-1].text.endswith(".")
        assert clip.start - 1e-6 <= inside[0].start_s <= clip.start + 1
        assert inside[-1].second == clip.stop - 1


def test_what_is_seen_alone(said: tuple[CommentaryWord, ...]) -> None:
    """Guards the second half of the rule: no score from memory, though goals with the board on screen stay."""
    usual, seen = (match_clips(said, ClipRecipe(64, 8, seen_only=only)) for only in (False, True))
    told, shown = (
        [word.number.shown for word in said if word.number is not None and any(word.second in clip for clip in clips)]
        for clips in (usual, seen)
    )
    assert not all(told)
    assert all(shown)
    assert shown
