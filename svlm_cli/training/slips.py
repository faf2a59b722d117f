"""Puts errors into earlier words about footage, as ``confusion.py`` does for matches.

A model on its own believes what it said: after "Something enters" it expects a stop, seen or not. So some words are
replaced, and some untrue sentences said where there is silence, while the targets stay right. Knows no tokens.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from svlm_cli.simulator.footage.speech import lasts_s, spoken_words
from svlm_cli.simulator.footage.statements import SENTENCES
from svlm_cli.training.confusion import Spoken

_PAIRS: Final = (("left", "right"), ("small", "large"), ("above", "below"), ("up", "down"), ("in", "out"))
_OTHER: Final = dict([*_PAIRS, *((second, first) for first, second in _PAIRS)])
_SENTENCES: Final = tuple(SENTENCES.items())
_UNTRUE: Final = 0.3  # sentences per second of silence at a rate of 1


def slip(told: Sequence[str], random: np.random.Generator, rate: float) -> list[list[Spoken]]:
    """For each second, its words; `meant` is empty where nothing should have been said, None where it is not learned.

    `rate` is the share of words that are replaced, of those that have an opposite.
    """
    words = [text.split() for text in told]
    chances = iter(random.random(sum(map(len, words))).tolist())
    slipped = [[_slipped(word, next(chances) < rate) for word in of_second] for of_second in words]
    chosen = random.integers(len(_SENTENCES), size=len(told)).tolist()
    begins = random.random(len(told)) < rate * _UNTRUE
    free_from = 0
    for second in np.flatnonzero(begins).tolist():
        sentence, statement = _SENTENCES[chosen[second]]
        lasts = lasts_s(len(sentence.split()))
        if second >= free_from and second + lasts <= len(told) and not any(words[second : second + lasts]):
            free_from = second + lasts
            for index, word in enumerate(spoken_words(second, sentence, statement)):
                slipped[word.second].append(Spoken(word.text, None if index else ""))
    return slipped


def _slipped(word: str, wrong: bool) -> Spoken:
    stem = word.rstrip(".")
    other = _OTHER.get(stem)
    return Spoken(word if other is None or not wrong else other + word[len(stem) :], word)
