"""Parses words into statements. A sentence is looked up verbatim; any other sentence states nothing.

Does not know the truth, and computes no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.simulator.footage.statements import SENTENCES, Statement

_LONGEST: Final = max(len(sentence.split()) for sentence in SENTENCES)


@dataclass(frozen=True, slots=True)
class Said:
    """A statement, in the second in which its sentence ends: second 3 is (3 s, 4 s]."""

    second: int
    statement: Statement
    begun: int  # the second in which its first word ends
    words: int


@dataclass(frozen=True, slots=True)
class FootageTelling:
    """What a commentary states."""

    statements: tuple[Said, ...]
    unread: int  # sentences that were not recognised


def read(texts: Sequence[str]) -> FootageTelling:
    """The statements in the texts of a footage's seconds.

    A sentence may follow the rest of one that was cut off, so the longest end of the text before a full stop that is a
    known sentence counts.
    """
    found: list[Said] = []
    unread = 0
    begun: list[tuple[str, int]] = []
    for second, text in enumerate(texts):
        for word in text.split():
            begun = [*begun[1 - _LONGEST :], (word, second)]
            if not word.endswith("."):
                continue
            said = _ending(begun)
            if said is None:
                unread += 1
            else:
                found.append(said)
            begun = []
    return FootageTelling(tuple(found), unread + (len(begun) == _LONGEST))  # the rest may still become a sentence


def _ending(words: Sequence[tuple[str, int]]) -> Said | None:
    for first, (_, begun) in enumerate(words):
        sentence = " ".join(word for word, _ in words[first:])
        if sentence in SENTENCES:
            return Said(words[-1][1], SENTENCES[sentence], begun, len(words) - first)
    return None
