"""Questions with options, and the texts of options. Knows nothing of a match but the names of its teams."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from svlm_cli.evals.quiz.facts import Facts
from svlm_cli.simulator.events import Score
from svlm_cli.simulator.pitch import MAX_SCORE

Row = dict[str, Any]
"""A row of OVO-Bench's file, without what all rows of a video share."""

_OPTIONS = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked, the option that is right, and those that are wrong."""

    task: str
    question: str
    right: str
    wrong: tuple[str, ...]

    def row(self, moment: int, rng: np.random.Generator) -> Row:
        """Asked at a moment. The right option stands in any place, each as likely as another."""
        options = [self.right, *self.wrong]
        assert len(set(options)) == len(options), "one option is right"
        shuffled = [options[index] for index in rng.permutation(len(options))]
        asked = {"task": self.task, "realtime": float(moment), "question": self.question}
        return {**asked, "options": shuffled, "gt": shuffled.index(self.right)}


Asks = Callable[[Facts, int, np.random.Generator], Choice | None]
"""A kind of question: what can be asked of it at a moment, if anything."""


def score_options(names: tuple[str, str], score: Score, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A score in words, and three that are like it: the other way round first, then a goal more or less."""
    home, away = score
    near = [(home + 1, away), (home, away + 1), (home - 1, away), (home, away - 1), (home + 1, away + 1)]
    others = [(away, home), *(near[index] for index in rng.permutation(len(near)))]
    known = [one for one in dict.fromkeys(others) if one != score and min(one) >= 0 and max(one) <= MAX_SCORE]
    return _told(names, score), tuple(_told(names, one) for one in known[: _OPTIONS - 1])


def _told(names: tuple[str, str], score: Score) -> str:
    return f"{names[0]} {score[0]}, {names[1]} {score[1]}"


def clock(moment: int) -> str:
    """A time of the video, as in 3:05 or 1:02:30."""
    minutes, seconds = divmod(moment, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
