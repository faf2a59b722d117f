"""Puts errors into earlier words, so that a model learns to trust its eyes more than its own words.

In training data all earlier words are right; in a stream they are the model's own, and a model that believes them never
corrects an error: a name once misspelt stays misspelt. So earlier words are corrupted, by single slips and by habits,
while the targets stay right: the name follows from kit and context, the score from the board. A score that can only be
remembered is trained as it was said. Knows no tokens and no pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from svlm_cli.simulator.match.commentary import NUMBERS, CommentaryWord
from svlm_cli.simulator.match.events import Score
from svlm_cli.simulator.match.teams import FIRST, SECOND, SYLLABLE, Team


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word as said, and as it should have been; `meant` is None if that cannot be known."""

    said: str
    meant: str | None


class Confusion:
    """The errors of one window. Repeated calls give the same answer.

    Each team, and the score, may have errors of two kinds: a habit, which is always the same error, or independent
    slips.
    """

    def __init__(
        self, random: np.random.Generator, rate: float, teams: tuple[Team, Team], *, knows_score: bool
    ) -> None:
        """`rate` is the share of wrong names and scores, half of them by habit.

        `knows_score`: the score was said, or is still nil nil.
        """
        self._random = random
        self._slips = rate / 2
        self._names = tuple(team.name for team in teams)
        self._spoken: dict[float, Spoken] = {}
        self._scores: dict[Score, Score] = {}
        self._knows_score = knows_score
        self._name_habits = [self._wrong_name(team) if self._errs() else None for team in (0, 1)]
        self._score_habit = self._step() if self._errs() else None

    def spoken(self, word: CommentaryWord, text: str) -> Spoken:
        """`text` is the right word, with the window's own names. The first time, call it for words in order."""
        if word.start_s not in self._spoken:
            self._spoken[word.start_s] = self._new(word, text)
        return self._spoken[word.start_s]

    def _new(self, word: CommentaryWord, text: str) -> Spoken:
        if word.team is not None:
            return Spoken(text.replace(self._names[word.team], self._said_name(word.team)), text)
        if word.number is not None:
            said = self._score(word.number.score)[word.number.side]
            wrong = text.replace(NUMBERS[word.number.score[word.number.side]], NUMBERS[said])
            if word.number.shown:
                self._knows_score |= word.number.side == 1
                return Spoken(wrong, text)
            return Spoken(wrong, wrong if self._knows_score else None)
        return Spoken(text, text)

    def _errs(self) -> bool:
        return bool(self._random.random() < self._slips)

    def _said_name(self, team: int) -> str:
        habit = self._name_habits[team]
        if habit is not None:
            return habit
        return self._wrong_name(team) if self._errs() else self._names[team]

    def _wrong_name(self, team: int) -> str:
        """The other team's name, a mix of both, or a misspelling."""
        own, other = self._names[team], self._names[1 - team]
        ways: tuple[Callable[[], str], ...] = (
            lambda: other,
            lambda: own[:SYLLABLE] + other[SYLLABLE:],
            lambda: other[:SYLLABLE] + own[SYLLABLE:],
            lambda: self._misspelt(own),
        )
        return ways[self._random.integers(len(ways))]()

    def _misspelt(self, name: str) -> str:
        """The name with one syllable replaced."""
        place = int(self._random.integers(len(name) // SYLLABLE)) * SYLLABLE
        heard = name[place : place + SYLLABLE]
        others = [one for one in (SECOND if place else FIRST) if one != heard]
        return name[:place] + others[self._random.integers(len(others))] + name[place + SYLLABLE :]

    def _score(self, score: Score) -> Score:
        """The score as said from one goal to the next. Nil nil at the start is never wrong."""
        if score not in self._scores:
            step = self._score_habit
            if step is None and self._errs():
                step = self._step()
            self._scores[score] = score if step is None or max(score) == 0 else _misread(score, *step)
        return self._scores[score]

    def _step(self) -> tuple[int, int]:
        """Whose goals are misread, and by how many."""
        return int(self._random.integers(2)), 1 if self._random.random() < 0.5 else -1


def _misread(score: Score, side: int, step: int) -> Score:
    number = score[side] + step
    if not 0 <= number < len(NUMBERS):
        number = score[side] - step
    return (number, score[1]) if side == 0 else (score[0], number)
