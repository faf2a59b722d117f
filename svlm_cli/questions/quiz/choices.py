"""Questions with options, and the wording of options. Knows nothing of a match but its teams' names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.events import Score
from svlm_cli.simulator.match.pitch import MAX_SCORE

Row = dict[str, Any]
"""A row of OVO-Bench's file, without what all rows of a video share."""


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """A question with its right and wrong options."""

    task: str
    question: str
    right: str
    wrong: tuple[str, ...]

    def row(self, moment: int, rng: np.random.Generator) -> Row:
        """The row when asked at `moment`. The right option has a uniformly random place."""
        options = [self.right, *self.wrong]
        assert len(set(options)) == len(options), "one option is right"
        shuffled = [options[index] for index in rng.permutation(len(options))]
        asked = {"task": self.task, "realtime": float(moment), "question": self.question}
        return {**asked, "options": shuffled, "gt": shuffled.index(self.right)}


Asks = Callable[[Facts, int, np.random.Generator], MultipleChoice | None]
"""A form of question: what it can ask at a moment, or None."""


def score_options(names: tuple[str, str], score: Score, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A score in words, and three similar ones. The four do not reveal which of them is right."""
    right, *wrong = (_told(names, one) for one in dict.fromkeys((score, *_like(score, rng))))
    return right, tuple(wrong)


def _like(score: Score, rng: np.random.Generator) -> Iterator[Score]:
    """Four scores, including `score`: all pairs of two numbers; or a clear lead, a similar one, and their reverses."""
    home, away = score
    if abs(home - away) <= 1:
        low = min(score) - (int(rng.integers(2)) if home == away > 0 else 0)
        yield from product((low, low + 1), repeat=2)
        return
    near = [(home + 1, away), (home - 1, away), (home, away + 1), (home, away - 1)]
    usable = [one for one in near if abs(one[0] - one[1]) > 1 and min(one) >= 0 and max(one) <= MAX_SCORE]
    other = usable[rng.integers(len(usable))]
    yield from (score, (away, home), other, (other[1], other[0]))


def _told(names: tuple[str, str], score: Score) -> str:
    return f"{names[0]} {score[0]}, {names[1]} {score[1]}"


def clock(moment: int) -> str:
    """A time in the video, as in 3:05 or 1:02:30."""
    minutes, seconds = divmod(moment, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
