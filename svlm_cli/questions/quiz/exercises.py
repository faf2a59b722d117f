"""Questions about single moments of a match, in any number, for training. Knows neither wording nor files.

The kinds are those of `quiz.py`, with equal probability as far as they can be asked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from svlm_cli.pipeline.questions import LETTERS
from svlm_cli.questions.question import AnswerKind, yes_no
from svlm_cli.questions.quiz.backward import BACKWARD
from svlm_cli.questions.quiz.choices import Asks
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.questions.quiz.forward import clue_at, count_at, step_at
from svlm_cli.questions.quiz.realtime import REALTIME


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question and its answer, as `Askable` requires, and its moment."""

    moment: int
    task: str  # in OVO-Bench
    kind: AnswerKind
    text: str
    answer: str
    options: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()


_Makes = Callable[[Facts, int, np.random.Generator], Exercise | None]


def exercises(
    facts: Facts, moments: Sequence[int], count: int, rng: np.random.Generator, *, began: int = 0
) -> Iterator[Exercise]:
    """At most `count`, each at one of these moments, for a viewer who has watched since `began`.

    Viewers who missed the beginning are not asked about the whole match.
    """
    kinds = _kinds(began)
    for _ in range(count):
        tried = (
            kinds[kind](facts, moments[moment], rng)
            for kind in rng.permutation(len(kinds))
            for moment in rng.permutation(len(moments))
        )
        found = next((one for one in tried if one is not None), None)
        if found is not None:
            yield found


def _kinds(began: int) -> list[_Makes]:
    of_all: tuple[_Makes, ...] = (*(partial(_choice, forms) for forms in BACKWARD), _count)
    return [
        *(of_all if began == 0 else ()),
        *(partial(_choice, forms) for forms in REALTIME),
        _step,
        partial(_clue, began),
    ]


def _choice(forms: tuple[Asks, ...], facts: Facts, moment: int, rng: np.random.Generator) -> Exercise | None:
    choice = forms[rng.integers(len(forms))](facts, moment, rng)
    if choice is None:
        return None
    row = choice.row(moment, rng)
    return Exercise(moment, choice.task, AnswerKind.CHOICE, choice.question, LETTERS[row["gt"]], tuple(row["options"]))


def _count(facts: Facts, moment: int, rng: np.random.Generator) -> Exercise | None:
    found = count_at(facts, moment, rng)
    return None if found is None else Exercise(moment, "REC", AnswerKind.COUNT, found[0], str(found[1]))


def _step(facts: Facts, moment: int, rng: np.random.Generator) -> Exercise | None:
    found = step_at(facts, moment, rng)
    return None if found is None else Exercise(moment, "SSR", AnswerKind.STEP, found[0], yes_no(found[1]))


def _clue(began: int, facts: Facts, moment: int, rng: np.random.Generator) -> Exercise | None:
    found = clue_at(facts, moment, began, rng)
    return None if found is None else Exercise(moment, "CRR", AnswerKind.CLUE, found[0], yes_no(found[1]))
