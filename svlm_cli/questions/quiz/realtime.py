"""Questions about the present: the ball, the kits, the board, and the latest event. Knows no file."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from svlm_cli.questions.quiz.choices import Asks, MultipleChoice, score_options
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.events import Event, Kind
from svlm_cli.simulator.match.teams import KIT_PAIRS, KITS

_JUST_S: Final = (1.5, 0.5)  # the age of the latest event: seen for half a second, and less than two seconds old
_RECENT_S: Final = 6  # what happened this recently is not used as a wrong option, because people do not count seconds
_IN_TURN: Final = (  # in rotation, or most questions would be about passes
    frozenset({Kind.GOAL, Kind.SAVE, Kind.MISS}),
    frozenset({Kind.PASS, Kind.DRIBBLE}),
    frozenset({Kind.INTERCEPTION}),
    frozenset({Kind.KICK_OFF, Kind.SHOT, Kind.CORNER, Kind.THROW_IN}),
)
_ACTIONS: Final = {
    Kind.KICK_OFF: "{team} kicked off",
    Kind.PASS: "{team} passed the ball to a teammate",
    Kind.INTERCEPTION: "{team} won the ball from the other team",
    Kind.DRIBBLE: "{team} ran with the ball",
    Kind.SHOT: "{team} shot at the goal",
    Kind.SAVE: "{team} saved a shot",
    Kind.GOAL: "{team} scored a goal",
    Kind.MISS: "{team} missed the goal with a shot",
    Kind.CORNER: "{team} got a corner",
    Kind.THROW_IN: "{team} got a throw-in",
}


def team_with_the_ball(facts: Facts, moment: int, _rng: np.random.Generator) -> MultipleChoice | None:
    """Known from the player's kit, and from the context, which names its team."""
    team = facts.holder(moment)
    if team is None:
        return None
    return MultipleChoice("OJR", "Which team has the ball right now?", facts.names[team], (facts.names[1 - team],))


def kit_with_the_ball(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """Visible to viewers who do not know the teams."""
    team = facts.holder(moment)
    if team is None:
        return None
    right, other = facts.kits[team], facts.kits[1 - team]
    absent = [kit for kit in KITS if kit != other and (right, kit) in KIT_PAIRS]  # no kit that resembles the right one
    wrong = (other, *(absent[index] for index in rng.permutation(len(absent))[:2]))
    return MultipleChoice("ATR", "Which colour does the player wear who has the ball right now?", right, wrong)


def place_of_the_ball(facts: Facts, moment: int, _rng: np.random.Generator) -> MultipleChoice | None:
    """A quarter of the pitch."""
    quarter = facts.quarter(moment)
    if quarter is None:
        return None
    vertical, side = quarter
    told = {(up, left): f"the {up} {left} quarter" for up in ("upper", "lower") for left in ("left", "right")}
    right = told.pop((vertical, side))
    return MultipleChoice("STU", "In which quarter of the pitch is the ball right now?", right, tuple(told.values()))


def score_on_the_board(facts: Facts, moment: int, rng: np.random.Generator) -> MultipleChoice | None:
    """While the board is shown; the home team's number comes first, like its name in the context."""
    score = facts.board(moment)
    if score is None:
        return None
    right, wrong = score_options(facts.names, score, rng)
    return MultipleChoice("OCR", "What does the scoreboard show right now?", right, wrong)


def what_has_just_happened(
    kinds: frozenset[Kind], facts: Facts, moment: int, rng: np.random.Generator
) -> MultipleChoice | None:
    """The latest event, if it is one of `kinds`. The options are two actions by each team.

    No wrong option has happened recently.
    """
    recent = facts.between(moment - _RECENT_S, moment, *Kind)
    if not recent or not moment - _JUST_S[0] <= recent[-1].time_s <= moment - _JUST_S[1]:
        return None
    newest = recent[-1]
    if newest.kind not in kinds or newest.team is None:
        return None
    true = {action for event in recent if event.team is not None for action in _true_of(event, event.team)}
    absent = [kind for kind in _ACTIONS if not {(kind, 0), (kind, 1)} & true]
    if (newest.kind, 1 - newest.team) in true or not absent:
        return None
    other = absent[rng.integers(len(absent))]
    options = [(newest.kind, newest.team), (newest.kind, 1 - newest.team), (other, 0), (other, 1)]
    right, *wrong = (_ACTIONS[kind].format(team=facts.names[team]) for kind, team in options)
    return MultipleChoice("ACR", "What has just happened, in the last two seconds?", right, tuple(wrong))


def _true_of(event: Event, team: int) -> Iterator[tuple[Kind, int]]:
    """The event, and also winning the ball, if it can be seen as that."""
    yield event.kind, team
    if event.kind in {Kind.SAVE, Kind.THROW_IN}:
        yield Kind.INTERCEPTION, team
    elif event.kind is Kind.MISS:
        yield Kind.INTERCEPTION, 1 - team


REALTIME: Final[tuple[tuple[Asks, ...], ...]] = (
    (score_on_the_board,),
    tuple(partial(what_has_just_happened, kinds) for kinds in _IN_TURN),
    (kit_with_the_ball,),
    (place_of_the_ball,),
    (team_with_the_ball,),
)
"""By task, in the benchmark's table order."""
