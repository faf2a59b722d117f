"""Endless Match in the files of Inf-Streams-Eval: every word of the reference once, in the clip to which it belongs."""

from itertools import pairwise
from pathlib import Path

import pytest

from svlm_cli.evals.benchmarks.chunks import CommentedItem
from svlm_cli.evals.benchmarks.endless import CLIP_S, annotate
from svlm_cli.evals.benchmarks.inf_streams import candidate_text, read_clips, read_narrations
from svlm_cli.evals.script import write_script
from svlm_cli.simulator.match.commentary import words
from svlm_cli.simulator.match.match import Match, Split
from tests.evals.benchmarks.miniature import write_lines

SEED, SECONDS, START_S = 7, 750, 180  # of this match, a sentence crosses the start and two borders of clips
BY_HAND = [
    [0.0, 1.0, "Torvik kick off."],
    [3.0, 5.0, "Torvik pass it back."],
    [7.0, 9.0, "Torvik pass it back."],
    [13.0, 14.0, "Torvik shoot."],
    [14.0, 15.0, "Saved by Salnak."],
    [17.0, 18.0, "Corner for Torvik."],
    [19.0, 20.0, "Torvik pass it"],  # the match is over
]


@pytest.fixture(scope="module")
def match() -> Match:
    return Match(SEED, Split.EVAL)


def test_the_match_by_hand(match: Match) -> None:
    """Guards the form: whole seconds, a sentence a segment, the context in front."""
    row = annotate(match, 20, 0).metadata
    assert row == {
        "video": "Endless/7.mp4",
        "content": BY_HAND,
        "title": "Torvik against Salnak",
        "preasr": match.context,
    }


def test_every_word_stands_once_before_the_start_or_after_it(match: Match, tmp_path: Path) -> None:
    """Guards the score at the start, which the words before it tell, and a chunk's previous text: no word twice."""
    row = annotate(match, SECONDS, START_S).metadata
    assert row is not None
    _, (narration,) = read_narrations(write_lines(tmp_path / "eval_all_metadata.jsonl", [row]))
    spoken = words(match, 0, SECONDS)
    assert narration.preasr.startswith(f"{match.context} ")
    told = narration.preasr.removeprefix(match.context).split()
    assert told == [word.text for word in spoken if word.end_s <= START_S]
    assert [*told, *" ".join(text for _, _, text in narration.content).split()] == [word.text for word in spoken]
    assert narration.content[0][0] >= START_S
    assert all(before[1] <= after[0] for before, after in pairwise(narration.content))
    assert all(text.endswith(".") for _, _, text in narration.content[:-1])
    assert narration.span[1] <= SECONDS


def test_a_perfect_commentary_is_the_reference_of_every_clip(match: Match, tmp_path: Path) -> None:
    """Guards the borders: of the rounds that the benchmark's rule gives to a clip, none says a word of another."""
    rows = annotate(match, SECONDS, START_S)
    _, clips = read_clips(write_lines(tmp_path / "score_all_clips.jsonl", rows.clips))
    texts = write_script(SEED, SECONDS).texts
    said = [CommentedItem(text.strip(), float(second), second + 1.0) for second, text in enumerate(texts) if text]
    assert [(clip.start_s - START_S) // CLIP_S for clip in clips] == [0, 1, 2, 3, 4, 5]
    assert any(not clip.reference.endswith(".") for clip in clips), "a sentence crosses a border"
    for clip in clips:
        assert candidate_text(said, clip).split() == clip.reference.split()
    assert {clip.fifth for clip in clips} == {0, 1, 2, 3, 4}


def test_silence_has_no_row(match: Match) -> None:
    """Guards against an empty content, which no reader of the benchmark takes."""
    quiet = next(
        second
        for second in range(SECONDS)
        if not any(second <= word.second < second + 2 for word in words(match, 0, 99))
    )
    rows = annotate(match, quiet + 2, quiet)
    assert (rows.metadata, rows.clips) == (None, ())
