"""How good a break between two words is, for cues and lines. Knows only words: no times and no widths.

The word lists are English, with the articles of related languages; in other languages only punctuation counts.
"""

import re

SENTENCE = 0.0
CLAUSE = 2.0
BEFORE_PHRASE = 4.0  # before a conjunction or a preposition
PLAIN = 7.0
WITHIN_NAME = 16.0  # `North | United`, `3 | goals`
AFTER_LINKING_WORD = 30.0  # `of | them`, `and | so`
AFTER_ARTICLE = 120.0
WITHIN_WORD = 200.0

_CLOSERS = "\"'”’)]}»」』）"
_SENTENCE_ENDS = frozenset(".!?…。！？")
_CLAUSE_ENDS = frozenset(",;:—–、，；：")
_NO_SENTENCE = re.compile(r"(?:mr|mrs|ms|dr|st|vs|no|jr|[a-z])\.", re.IGNORECASE)
_ARTICLES = frozenset(
    "a an the my your his her its our their le la les un une des du el los las der das ein eine il lo gli".split()
)
_PREPOSITIONS = frozenset(
    "of to in on at for from with by into onto over under through across after before between behind past against "
    "towards inside outside around near off".split()
)
_CONJUNCTIONS = frozenset("and but or so because while when as that which who where if than then until".split())


def ends_sentence(left: str, right: str = "") -> bool:
    """Whether a sentence ends between the two words; `right` is empty if not yet known."""
    word = left.rstrip(_CLOSERS)
    if not word or word[-1] not in _SENTENCE_ENDS:
        return False
    return not (_NO_SENTENCE.fullmatch(word) or right[:1].islower())


def break_cost(left: str, right: str, *, spaced: bool) -> float:
    """The cost of a break between two words: 0 after a sentence, higher the closer they belong together.

    `spaced`: a space separates them; otherwise they are parts of a word, or ideographs.
    """
    if ends_sentence(left, right):
        return SENTENCE
    before, after = left.rstrip(_CLOSERS), right.strip(_CLOSERS).lower()
    if before and before[-1] in _CLAUSE_ENDS:
        return CLAUSE
    if not after or not after[0].isalnum():
        return WITHIN_WORD if not after or after[0] in _CLAUSE_ENDS | _SENTENCE_ENDS else PLAIN
    if not spaced:
        return PLAIN if not left.isascii() or not right.isascii() else WITHIN_WORD
    word = before.strip(_CLOSERS).lower()
    if word in _ARTICLES:
        return AFTER_ARTICLE
    if word in _PREPOSITIONS or word in _CONJUNCTIONS:
        return AFTER_LINKING_WORD
    if after in _CONJUNCTIONS or after in _PREPOSITIONS:
        return BEFORE_PHRASE
    if (left[0].isupper() and right[0].isupper() and left != "I") or left[0].isdigit():
        return WITHIN_NAME
    return PLAIN
