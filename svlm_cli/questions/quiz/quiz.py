"""All questions about a match, as rows of OVO-Bench: balanced over tasks, and spread over its length.

A pure function of the match and its length. Knows no disk.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from svlm_cli.questions.quiz.backward import BACKWARD
from svlm_cli.questions.quiz.choices import Asks, Row
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.questions.quiz.forward import counts, next_goal, next_shot, steps
from svlm_cli.questions.quiz.realtime import REALTIME
from svlm_cli.simulator.match.match import Match, Split

_PART_S: Final = 60  # each such part of a match has a question of each task, if possible
_MOST_PARTS: Final = 12
_SEEN_S: Final = 2  # to watch before anything is asked
_STREAM: Final = 1  # of random numbers; the match uses another


def questions_about(match: Match, seconds: int) -> tuple[Row, ...]:
    """Rows without ids. Needs the match from its beginning.

    ``context``, an extension, is what viewers are told first: teams and kits.
    """
    facts = Facts(match, seconds)
    rng = np.random.default_rng([match.seed, match.split is Split.EVAL, _STREAM])
    parts = min(_MOST_PARTS, max(1, seconds // _PART_S))
    edges = np.linspace(min(_SEEN_S, seconds - 1), seconds, parts + 1).astype(int).tolist()
    rows: list[Row | None] = []
    for part, (start, end) in enumerate(pairwise(edges)):
        moments = range(start, end)
        rows += [_choice(facts, moments, _in_turn(forms, part), rng) for forms in (*BACKWARD, *REALTIME)]
        rows.append(steps(facts, moments, rng))
        coming = (next_goal, next_shot) if part % 2 == 0 else (next_shot, next_goal)
        rows.append(coming[0](facts, moments, rng) or coming[1](facts, moments, rng))
    rows += counts(facts, parts, rng)
    return tuple({**row, "context": match.context} for row in rows if row is not None)


def _in_turn(forms: tuple[Asks, ...], part: int) -> tuple[Asks, ...]:
    return forms[part % len(forms) :] + forms[: part % len(forms)]


def _choice(facts: Facts, moments: range, forms: tuple[Asks, ...], rng: np.random.Generator) -> Row | None:
    """The first form that can be asked at some moment, at a random one of these."""
    for asks in forms:
        for index in rng.permutation(len(moments)):
            choice = asks(facts, moments[index], rng)
            if choice is not None:
                return choice.row(moments[index], rng)
    return None
