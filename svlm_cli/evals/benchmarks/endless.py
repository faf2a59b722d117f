"""Endless Match in the format of Inf-Streams-Eval: the lines of one match in the two annotation files.

The commentary is the simulator's own, with one segment per sentence. Its times are whole seconds: from the second in
which the first word ends to the end of the one in which the last word ends, so a clip contains the rounds of its words.
Knows neither pictures nor disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from svlm_cli.simulator.match.commentary import CommentaryWord, words
from svlm_cli.simulator.match.match import Match

CLIP_S: Final = 100
FOLDER: Final = "Endless"

Row = dict[str, Any]
"""A line of an annotation file."""


@dataclass(frozen=True, slots=True)
class AnnotatedMatch:
    """The line in ``eval_all_metadata.jsonl`` and those in ``score_all_clips.jsonl``; None if nothing is said."""

    metadata: Row | None
    clips: tuple[Row, ...]


def annotate(match: Match, seconds: int, start_s: int) -> AnnotatedMatch:
    """Annotate the commentary from `start_s` to `seconds`. Needs the match from its beginning.

    Earlier words are in ``preasr``, after the context that names the teams, so a model that starts there knows the
    score.
    """
    spoken = words(match, 0, seconds)
    before = [word.text for word in spoken if word.second < start_s]
    preasr = " ".join((match.context, *before))
    metadata = _row(match, _between(spoken, start_s, seconds), preasr)
    parts = (_between(spoken, start, min(start + CLIP_S, seconds)) for start in range(start_s, seconds, CLIP_S))
    clips = (_row(match, part, preasr) for part in parts)
    return AnnotatedMatch(metadata, tuple(row for row in clips if row is not None))


def video_name(seed: int) -> str:
    """The name of a match's video in the annotation files."""
    return f"{FOLDER}/{seed}.mp4"


def _between(spoken: Sequence[CommentaryWord], start_s: int, end_s: int) -> list[CommentaryWord]:
    """The words that end in (start, end]."""
    return [word for word in spoken if start_s <= word.second < end_s]


def _row(match: Match, spoken: Sequence[CommentaryWord], preasr: str) -> Row | None:
    if not spoken:
        return None
    content = [
        [float(said[0].second), float(said[-1].second + 1), " ".join(word.text for word in said)]
        for said in _sentences(spoken)
    ]
    home, away = match.teams
    title = f"{home.name} against {away.name}"
    return {"video": video_name(match.seed), "content": content, "title": title, "preasr": preasr}


def _sentences(spoken: Sequence[CommentaryWord]) -> Iterator[list[CommentaryWord]]:
    """Groups words into sentences; the first and the last may be partial."""
    sentence: list[CommentaryWord] = []
    for word in spoken:
        sentence.append(word)
        if word.text.endswith("."):
            yield sentence
            sentence = []
    if sentence:
        yield sentence
