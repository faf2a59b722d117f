"""Parses a commentary into events, names and scores, by the grammar of the reference.

Uses the words alone, for a candidate as for the reference. Accepts any text: what matches no form says nothing. Does
not know the truth, and computes no score.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from svlm_cli.evals.match import NOBODY, Telling, ToldEvent, ToldName, ToldScore
from svlm_cli.simulator.match.commentary import NUMBERS, REMINDER, SENTENCES
from svlm_cli.simulator.match.match import Kind

_PUNCTUATION: Final = ".,;:!?…\"'()"
_KEY_MARK: Final = "*"
_TEAM: Final = "{team}"


@dataclass(frozen=True, slots=True)
class _Form:
    """How an event is told: the words up to its key word; None stands for a team's name."""

    kind: Kind
    words: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    """A word without its punctuation, and the second in which it ends."""

    second: int
    word: str
    closes: bool  # ends its sentence


def _form(kind: Kind, sentence: str) -> _Form:
    words = sentence.split()
    key = next(index for index, word in enumerate(words) if word.startswith(_KEY_MARK))
    bare = [word.strip(_KEY_MARK + _PUNCTUATION) for word in words[: key + 1]]
    return _Form(kind, tuple(None if word == _TEAM else word for word in bare))


_FORMS: Final = tuple(_form(kind, sentence) for kind, sentence in SENTENCES.items())
_FIXED: Final = frozenset(
    word.strip(_KEY_MARK + _PUNCTUATION) for sentence in (*SENTENCES.values(), REMINDER) for word in sentence.split()
) | frozenset(NUMBERS)
_VALUES: Final = {word: value for value, word in enumerate(NUMBERS)}


def read(texts: Sequence[str], teams: Sequence[str]) -> Telling:
    """What the texts of a match's seconds say. `teams`: the names, home first.

    An event is a form's words up to its key word, consecutive and within a sentence; a name of neither team is
    `NOBODY`. A name is any capitalised word outside the grammar. A score is two consecutive numbers.
    """
    tokens = [token for second, text in enumerate(texts) for token in _tokens(second, text)]
    told = list(_events(tokens, teams))
    return Telling(
        speaks=np.array([any(character.isalnum() for character in text) for text in texts], np.bool_),
        events=tuple(event for event, _ in told),
        names=tuple(
            ToldName(token.second, token.word)
            for token in tokens
            if token.word[0].isupper() and token.word not in _FIXED
        ),
        scores=tuple(_scores(tokens, after_goal={key + 1 for event, key in told if event.is_goal})),
    )


def _tokens(second: int, text: str) -> Iterator[_Token]:
    for said in text.split():
        word = said.strip(_PUNCTUATION)
        if word:
            yield _Token(second, word, closes=said.endswith("."))


def _events(tokens: Sequence[_Token], teams: Sequence[str]) -> Iterator[tuple[ToldEvent, int]]:
    """Each event, with the index of its key word."""
    start = 0
    while start < len(tokens):
        form = next((form for form in _FORMS if _follows(tokens, start, form)), None)
        if form is None:
            start += 1
            continue
        key = start + len(form.words) - 1
        team = _team(tokens[start + form.words.index(None)].word, teams) if None in form.words else None
        yield ToldEvent(tokens[key].second, form.kind, team, is_goal=form.kind is Kind.GOAL), key
        start = key + 1


def _follows(tokens: Sequence[_Token], start: int, form: _Form) -> bool:
    said = tokens[start : start + len(form.words)]
    return (
        len(said) == len(form.words)
        and all(wanted in (None, token.word) for wanted, token in zip(form.words, said, strict=True))
        and not any(token.closes for token in said[:-1])
    )


def _team(name: str, teams: Sequence[str]) -> int:
    return teams.index(name) if name in teams else NOBODY


def _scores(tokens: Sequence[_Token], after_goal: set[int]) -> Iterator[ToldScore]:
    previous_taken = -1
    for index, (home, away) in enumerate(itertools.pairwise(tokens)):
        if index > previous_taken and home.word in _VALUES and away.word in _VALUES and not home.closes:
            previous_taken = index + 1
            score = _VALUES[home.word], _VALUES[away.word]
            yield ToldScore(home.second, away.second, score, with_goal=index in after_goal)
