"""Questions about the past: scores, goals, the outcome of a shot, and what never happened. Knows no file."""

from typing import Final

import numpy as np

from svlm_cli.questions.quiz.choices import Asks, MultipleChoice, clock, score_options
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.events import Event, Kind

OUTCOMES: Final = {Kind.GOAL: "a goal", Kind.SAVE: "it was saved", Kind.MISS: "it missed the goal"}
_AGO_S: Final = 10  # minimum age of what is asked about; times in questions are multiples of this
_SETTLED_S: Final = 3  # after an event, to be sure that it was seen
_WIDE_S: Final = 5  # margin around a time span, so that nothing happens at its ends
_LENGTHS_S: Final = (60, 30, 20)
_DONE: Final = {
    Kind.GOAL: "scored a goal",
    Kind.SAVE: "saved a shot",
    Kind.MISS: "missed the goal with a shot",
    Kind.CORNER: "got a corner",
    Kind.THROW_IN: "got a throw-in",
}


def score_then(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """The score at a time, in the current game."""
    for then in _marks(moment, rng):
        score = facts.score(then)
        if score is not None:
            right, wrong = score_options(facts.names, score, rng)
            return MultipleChoice("EPM", f"What was the score at {clock(then)} of the video?", right, wrong)
    return None


def first_goal(facts: Facts, moment: int, _rng: np.random.Generator) -> MultipleChoice | None:
    """The first of all goals seen."""
    goals = facts.between(0, moment, Kind.GOAL)
    if not goals or goals[0].time_s > moment - _AGO_S:
        return None
    return _by_a_team(facts, "Which team scored the first goal of the video?", goals[0])


def last_goal(facts: Facts, moment: int, _rng: np.random.Generator) -> MultipleChoice | None:
    """The last goal so far."""
    goals = facts.between(0, moment, Kind.GOAL)
    if not goals or goals[-1].time_s > moment - _AGO_S:
        return None
    return _by_a_team(facts, "Which team scored the last goal so far?", goals[-1])


def what_a_team_did(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """What one team did, and the other did not, in a time span."""
    return _in_a_stretch(facts, moment, rng, happened=True)


def what_no_team_did(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """The same question about a time span in which neither did it."""
    return _in_a_stretch(facts, moment, rng, happened=False)


def last_shot_before(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """The outcome of the last shot before a time."""
    for then in _marks(moment, rng):
        ends = facts.between(0, then, *OUTCOMES)
        if ends and not facts.between(then - _SETTLED_S, then + _SETTLED_S, Kind.SHOT, *OUTCOMES):
            told = dict(OUTCOMES)
            right = told.pop(ends[-1].kind)
            asked = f"What became of the last shot before {clock(then)} of the video?"
            return MultipleChoice("ASI", asked, right, tuple(told.values()))
    return None


def _in_a_stretch(facts: Facts, moment: int, rng: np.random.Generator, *, happened: bool) -> MultipleChoice | None:
    kinds = [list(_DONE)[index] for index in rng.permutation(len(_DONE))]
    for start in _marks(moment, rng):
        for kind in kinds:
            end = start + _LENGTHS_S[rng.integers(len(_LENGTHS_S))]
            if end > moment - _AGO_S:
                continue
            around = facts.between(start - _WIDE_S, end + _WIDE_S, kind)
            teams = {event.team for event in around}
            if any(not start + _WIDE_S <= event.time_s <= end - _WIDE_S for event in around):
                continue
            if len(teams) != happened:
                continue
            options = [*facts.names, "neither of them"]
            right = options.pop(around[0].team if happened and around[0].team is not None else 2)
            asked = f"Which team {_DONE[kind]} between {clock(start)} and {clock(end)} of the video?"
            return MultipleChoice("EPM" if happened else "HLD", asked, right, tuple(options))
    return None


def _marks(moment: int, rng: np.random.Generator) -> list[int]:
    """Times to ask about, in random order."""
    times = range(_AGO_S, moment - _AGO_S + 1, _AGO_S)
    return [times[index] for index in rng.permutation(len(times))]


def _by_a_team(facts: Facts, asked: str, event: Event) -> MultipleChoice:
    assert event.team is not None, "a goal is somebody's"
    return MultipleChoice("EPM", asked, facts.names[event.team], (facts.names[1 - event.team],))


BACKWARD: Final[tuple[tuple[Asks, ...], ...]] = (
    (score_then, last_goal, what_a_team_did, first_goal),
    (last_shot_before,),
    (what_no_team_did,),
)
"""By task, in the benchmark's table order; EPM alternates between its forms."""
