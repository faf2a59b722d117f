"""Content words, with the times at which they were said: names, numbers, and other informative words.

Every word counts unless it is a single letter or in `COMMON`. Two words are equal if they are spelled the same,
ignoring case and endings like 's. There is no grammar, no stemming and no synonyms. Knows no video and no score.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from svlm_cli.evals.benchmarks.chunks import CommentedItem
from svlm_cli.evals.pairing import Moment

COMMON: Final = frozenset(
    """
    a an the this that these those i you he she it we they me him her us them my your his its our their myself himself
    itself themselves who whom whose which what when where why how there here and or but nor so if than then because
    while though as of at by for from in into on onto off out over under up down to toward towards with without about
    after before through between against around again is are was were be been being am do does did doing done has have
    had having will would can could shall should may might must get gets got go goes going gone let not no yes yeah just
    very too also only even still now well oh ah all any some such much many more most other another each every both
    ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't shouldn't wasn't weren't won't wouldn't
    """.split()
)

_WORD: Final = re.compile(r"\w+(?:['-]\w+)*")
_ENDING: Final = re.compile(r"'(?:s|re|m|ve|ll|d)$")


def telling_words(text: str) -> Iterator[tuple[str, int]]:
    """Each word with the number of characters up to its end."""
    for found in _WORD.finditer(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        word = _ENDING.sub("", found[0].casefold())
        if word not in COMMON and (len(word) > 1 or word.isdigit()):
            yield word, found.end()


def annotated_moments(content: Iterable[tuple[float, float, str]]) -> Iterator[Moment]:
    """The words of human segments: within a segment, time passes evenly per character.

    A word's time is its end.
    """
    for start_s, end_s, text in content:
        said = text.strip()
        for word, characters in telling_words(said):
            yield start_s + (end_s - start_s) * characters / len(said), word


def item_moments(items: Iterable[CommentedItem]) -> Iterator[Moment]:
    """The words of a model's items: all have the time at which their item ends."""
    for item in items:
        for word, _ in telling_words(item.response):
            yield item.end_s, word
