"""Cuts the commentary of a match into clips for an annealing stage. No torch here."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from svlm_cli.core.clips import SpokenPart, speech_clips
from svlm_cli.simulator.match.commentary import CommentaryWord
from svlm_cli.training.clip_recipe import ClipRecipe


def match_clips(said: Iterable[CommentaryWord], rules: ClipRecipe) -> list[range]:
    """The seconds of each clip that is long enough, in order."""
    found: list[tuple[float, float]] = []
    for usable, sentences in groupby(_sentences(said), lambda one: not rules.seen_only or _is_seen(one)):
        parts = map(_part, sentences)
        if usable:
            found += speech_clips(parts, longest_s=rules.longest_seconds, silence_s=rules.silence_seconds)
    clips = (range(round(start_s), round(end_s)) for start_s, end_s in found)
    return [clip for clip in clips if len(clip) >= rules.shortest_seconds]


def _sentences(said: Iterable[CommentaryWord]) -> Iterator[Sequence[CommentaryWord]]:
    """Complete sentences; one that the match cuts off is left out."""
    sentence: list[CommentaryWord] = []
    for word in said:
        sentence.append(word)
        if word.text.endswith("."):
            yield sentence
            sentence = []


def _is_seen(sentence: Sequence[CommentaryWord]) -> bool:
    """Whether the pictures show everything it says, without reference to earlier words."""
    return all(word.number is None or word.number.shown for word in sentence)


def _part(sentence: Sequence[CommentaryWord]) -> SpokenPart:
    """Rounded to whole seconds, the rounds of a window."""
    first, last = sentence[0], sentence[-1]
    return SpokenPart(first.second, last.second + 1, first.start_s, last.end_s)
