"""Times of edited words: unchanged words keep theirs, new ones share the time of those they replace. Pure."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from svlm_cli.core.text import says_something
from svlm_cli.curation.timing import spread_words
from svlm_cli.curation.words_file import SpokenSegment, TimedWord


def retimed(segment: SpokenSegment, words: Sequence[str]) -> SpokenSegment:
    """The segment with new words in the same span. An insertion gets the pause between its neighbours."""
    old = segment.words
    same = SequenceMatcher(None, [_alike(word.text) for word in old], [_alike(word) for word in words], autojunk=False)
    found: list[TimedWord] = []
    blocks = [(0, 0, 0), *same.get_matching_blocks()]
    for (old_at, new_at, size), (old_next, new_next, _) in pairwise(blocks):
        kept = zip(old[old_at : old_at + size], words[new_at : new_at + size], strict=True)
        found += [TimedWord(word.start_s, word.end_s, text) for word, text in kept]
        replaced = old[old_at + size : old_next]
        if replaced:
            start_s, end_s = replaced[0].start_s, replaced[-1].end_s
        else:
            start_s = found[-1].end_s if found else segment.start_s
            end_s = old[old_next].start_s if old_next < len(old) else segment.end_s
        found += spread_words(words[new_at + size : new_next], start_s, end_s)
    return SpokenSegment(segment.start_s, segment.end_s, tuple(found))


def _alike(word: str) -> str:
    """Equal for words that differ only in case and punctuation."""
    return "".join(filter(says_something, word)).casefold() or word
