"""Questions to learn from: as true as those that are measured, of every kind, and as many as are wanted."""

from collections import Counter

import numpy as np

from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.questions.quiz.exercises import Exercise, exercises
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.teams import Team, context_of
from tests.questions.quiz.oracle import Oracle
from tests.questions.quiz.test_quiz import ASKED

SECONDS = 240
OTHERS = (Team("Falvon", "white"), Team("Torbek", "red"))


def drawn(began: int = 0, teams: tuple[Team, Team] | None = None, count: int = 300) -> list[Exercise]:
    """Of the match of a seed, at any moment."""
    match = Match(3, Split.TRAIN)
    moments, rng = range(began + 2, SECONDS), np.random.default_rng(1)
    facts = Facts(match, SECONDS)
    return [*exercises(facts.of_teams(teams) if teams else facts, moments, count, rng, began=began)]


def as_asked(one: Exercise, began: int, known: str) -> VideoQuestion:
    """As a benchmark has it."""
    return VideoQuestion(
        "1", one.task, "", "", (), began or None, one.moment, one.text, one.options, one.answer, one.kind, known=known
    )


def test_the_second_opinion_agrees() -> None:
    """Guards what is learned: wrong answers would be learned as well as right ones."""
    match = Match(3, Split.TRAIN)
    oracle = Oracle(match, SECONDS)
    for began in (0, 93):
        asked = [as_asked(one, began, match.context) for one in drawn(began)]
        wrong = [one for one in asked if oracle.answer(one) != one.answer_in_words]
        assert wrong == []
        assert {one.task for one in asked} == ASKED - ({"EPM", "ASI", "HLD", "REC"} if began else set())


def test_no_kind_is_rare_that_can_be_asked() -> None:
    """Guards against learning one kind alone, and one answer."""
    asked = drawn()
    assert len(asked) == 300
    counted = Counter(one.task for one in asked)
    assert min(counted[task] for task in ASKED) > 12, counted
    for task in ("SSR", "CRR"):
        answers = Counter(one.answer for one in asked if one.task == task)
        assert min(answers["yes"], answers["no"]) > 0.2 * answers.total(), task
    assert {one.answer for one in asked if one.task == "REC"} >= {"0", "1", "2"}


def test_other_teams_may_play_the_match() -> None:
    """Guards windows with names and kits of their own: questions are about those."""
    own, others = drawn(), drawn(teams=OTHERS)
    assert [one.moment for one in own] == [one.moment for one in others]
    said = " ".join(f"{one.text} {' '.join(one.options)}" for one in others)
    assert {"Falvon", "Torbek"} < {*said.replace(",", "").split()}
    assert not any(team.name in said for team in Match(3, Split.TRAIN).teams)
    oracle = Oracle(Match(3, Split.TRAIN), SECONDS)
    for one in others:
        if one.task != "ATR":  # which the oracle reads off its own pictures
            asked = as_asked(one, 0, context_of(OTHERS))
            assert oracle.answer(asked) == asked.answer_in_words
