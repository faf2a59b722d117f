"""A speaker who errs, so that a model learns to trust its eyes more than its own words.

In training, all that was said before is right; in a stream it is the model's own, and whoever believes it keeps every
error for ever: a team mistaken once is mistaken until the end. So what was said is made wrong here and there, and what
is learned stays right: the name by the kit, the score by the board. A score that can be remembered alone is learned as
it was said. Knows no tokens and no pictures.
"""

from dataclasses import dataclass

import numpy as np

from svlm_cli.simulator.commentary import NUMBERS, Word
from svlm_cli.simulator.events import Score
from svlm_cli.simulator.teams import SYLLABLE, Team

_MIXED = 0.25  # of the wrong names, those whose parts are of both teams


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word, as it was said and as it should have been; `meant` is None where nobody could know."""

    said: str
    meant: str | None


class Confusion:
    """The errors of one window. Asked again, it gives the same answer."""

    def __init__(
        self, random: np.random.Generator, rate: float, teams: tuple[Team, Team], *, knows_score: bool
    ) -> None:
        """`rate` is the share of names and of scores that are wrong; `knows_score`: it was said, or is nil nil yet."""
        self._random = random
        self._rate = rate
        self._names = tuple(team.name for team in teams)
        self._spoken: dict[float, Spoken] = {}
        self._scores: dict[Score, Score] = {}
        self._knows_score = knows_score

    def spoken(self, word: Word, text: str) -> Spoken:
        """`text` is the right one: with the names of the window's own teams. Words come in order the first time."""
        if word.start_s not in self._spoken:
            self._spoken[word.start_s] = self._new(word, text)
        return self._spoken[word.start_s]

    def _new(self, word: Word, text: str) -> Spoken:
        if word.team is not None:
            name = self._names[word.team]
            return Spoken(text.replace(name, self._wrong_name(word.team)) if self._errs() else text, text)
        if word.number is not None:
            said = self._score(word.number.score)[word.number.side]
            wrong = text.replace(NUMBERS[word.number.score[word.number.side]], NUMBERS[said])
            if word.number.shown:
                self._knows_score |= word.number.side == 1
                return Spoken(wrong, text)
            return Spoken(wrong, wrong if self._knows_score else None)
        return Spoken(text, text)

    def _errs(self) -> bool:
        return bool(self._random.random() < self._rate)

    def _wrong_name(self, team: int) -> str:
        own, other = self._names[team], self._names[1 - team]
        if self._random.random() >= _MIXED:
            return other
        heads = (own, other) if self._random.random() < 0.5 else (other, own)
        return heads[0][:SYLLABLE] + heads[1][SYLLABLE:]

    def _score(self, score: Score) -> Score:
        """As it is said from the goal to the next one."""
        if score not in self._scores:
            wrong = max(score) > 0 and self._errs()
            self._scores[score] = self._misread(score) if wrong else score
        return self._scores[score]

    def _misread(self, score: Score) -> Score:
        side, up = self._random.integers(2), self._random.random() < 0.5
        number = score[side] + (1 if up else -1)
        if not 0 <= number < len(NUMBERS):
            number = score[side] - (1 if up else -1)
        return (number, score[1]) if side == 0 else (score[0], number)
