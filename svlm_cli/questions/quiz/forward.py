"""Questions that are asked repeatedly during the match: counts, steps, and whether something is known yet.

REC counts from the beginning of the video; a row of SSR is about one stoppage; CRR asks about a future event. Probes
avoid moments at which their answers change. Knows no file.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from svlm_cli.questions.quiz.backward import OUTCOMES
from svlm_cli.questions.quiz.choices import Row, clock
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.commentary import SCORE_KINDS
from svlm_cli.simulator.match.events import Event, Kind

_CLEAR_S: Final = 3  # a shot begins 1.5 s before its end
_NEAR_S: Final = 20  # of a stoppage: distance of the probes before and after it
_WAIT_S: Final = (10, 300)  # from a CRR question to the event that answers it
_PROBES: Final = 4  # minimum, per count
_IN_PLAY: Final = "The ball is in play"
_STOPS: Final = {
    Kind.GOAL: ("The ball lies in the goal", 5),
    Kind.HALF_TIME: ("The teams stand in two columns, for half-time", 3),
    Kind.FULL_TIME: ("The teams stand in two rows, for full time", 3),
}  # what is seen, and its minimum duration in seconds
_LONGEST_S: Final = max(length_s for _, length_s in _STOPS.values()) + 1


def counts(facts: Facts, probes: int, rng: np.random.Generator) -> Iterator[Row]:
    """A row per counted action, with probes over the whole match."""
    edges = np.linspace(1, facts.seconds, max(probes, _PROBES) + 1).astype(int).tolist()
    for activity, done in _counted(facts):
        times = [event.time_s for event in done]
        asked: list[Row] = []
        for start, end in pairwise(edges):
            moment = next(iter(_away_from(range(start, end), times, rng)), None)
            if moment is not None:
                asked.append({"realtime": float(moment), "count": sum(time_s <= moment for time_s in times)})
        if asked:
            began = [facts.between(0, time_s, Kind.SHOT)[-1].time_s for time_s in times]
            yield {"task": "REC", "activity": activity, "start_times": began, "end_times": times, "test_info": asked}


def count_at(facts: Facts, moment: int, rng: np.random.Generator) -> tuple[str, int] | None:
    """One of these actions, and how often it has happened; None around a change."""
    wanted = _counted(facts)
    activity, done = wanted[rng.integers(len(wanted))]
    times = [event.time_s for event in done]
    return (activity, sum(time_s <= moment for time_s in times)) if _is_away(moment, times) else None


def _counted(facts: Facts) -> list[tuple[str, tuple[Event, ...]]]:
    """Counted actions, and their events."""
    goals = facts.between(0, facts.seconds, Kind.GOAL)
    return [
        ("score a goal", goals),
        ("save a shot", facts.between(0, facts.seconds, Kind.SAVE)),
        ("shoot at the goal", facts.between(0, facts.seconds, *OUTCOMES)),
        *(
            (f"score a goal for {name}", tuple(event for event in goals if event.team == team))
            for team, name in enumerate(facts.names)
        ),
    ]


def steps(facts: Facts, moments: range, rng: np.random.Generator) -> Row | None:
    """A stoppage in a time span: play, stoppage, play again, and which of the two is happening."""
    stops = facts.between(moments.start, moments.stop, *_STOPS)
    for index in rng.permutation(len(stops)):
        stop = stops[index]
        step, length_s = _STOPS[stop.kind]
        first, last = _stopped(stop)
        before = next(facts.moments_in_play(int(stop.time_s) - _CLEAR_S, int(stop.time_s) - _NEAR_S), None)
        after = next(facts.moments_in_play(last + 1, last + _NEAR_S), None)
        if before is None or after is None:
            continue
        during = int(rng.integers(first, last + 1))
        probes = [
            {"realtime": float(moment), "step": one, "type": int((one == step) == (moment == during))}
            for moment in (before, during, after)
            for one in (_IN_PLAY, step)
        ]
        kick_off = facts.between(0, before, Kind.KICK_OFF)[-1].time_s
        return {
            "task": "SSR",
            "tutorial": "A game with a ball, and how it stops",
            "all_steps": [_IN_PLAY, step],
            "start_time": [kick_off, stop.time_s],
            "end_time": [stop.time_s, stop.time_s + length_s],
            "test_info": probes,
        }
    return None


def step_at(facts: Facts, moment: int, rng: np.random.Generator) -> tuple[str, bool] | None:
    """Play or stoppage, and whether it is happening; None in between."""
    for stop in facts.between(moment - _LONGEST_S, moment, *_STOPS):
        first, last = _stopped(stop)
        if first <= moment <= last:
            asks_for_it = rng.random() < 0.5
            return (_STOPS[stop.kind][0], True) if asks_for_it else (_IN_PLAY, False)
    if not facts.in_play(moment):
        return None
    stops = [step for step, _ in _STOPS.values()]
    return (_IN_PLAY, True) if rng.random() < 0.5 else (stops[rng.integers(len(stops))], False)


def _stopped(stop: Event) -> tuple[int, int]:
    """The first and the last moment at which a stoppage is visible to all."""
    return int(np.ceil(stop.time_s)) + 1, int(stop.time_s) + _STOPS[stop.kind][1]


def next_goal(facts: Facts, moments: range, rng: np.random.Generator) -> Row | None:
    """Who scores is unknown until the goal."""
    return _to_come(facts, moments, rng, (Kind.GOAL,))


def next_shot(facts: Facts, moments: range, rng: np.random.Generator) -> Row | None:
    """The outcome is unknown until it is seen."""
    return _to_come(facts, moments, rng, tuple(OUTCOMES))


def clue_at(facts: Facts, moment: int, began: int, rng: np.random.Generator) -> tuple[str, bool] | None:
    """A future event after a moment since `began`, and whether it is known now; None around the change."""
    times, first = _turning_points(facts), max(began, moment - _WAIT_S[1])
    asked = next(_away_from(range(first, moment), times, rng), None) if _is_away(moment, times) else None
    if asked is None:
        return None
    goal = rng.random() < 0.5
    return _question(asked, goal=goal), bool(facts.between(asked, moment, *((Kind.GOAL,) if goal else OUTCOMES)))


def _to_come(facts: Facts, moments: range, rng: np.random.Generator, kinds: tuple[Kind, ...]) -> Row | None:
    for asked in _away_from(moments, _turning_points(facts), rng):
        clue = next(iter(facts.between(asked, facts.seconds, *kinds)), None)
        if clue is None or not _WAIT_S[0] <= clue.time_s - asked <= _WAIT_S[1]:
            continue
        before = [*range(asked + 1, int(clue.time_s) - _CLEAR_S)]
        after = [*range(int(clue.time_s) + _CLEAR_S, min(int(clue.time_s) + _NEAR_S, facts.seconds))]
        if len(after) < 2:
            continue
        told = [*_two(before, rng), *_two(after, rng)]
        assert clue.team is not None, "a shot is somebody's"
        goal = kinds == (Kind.GOAL,)
        return {
            "task": "CRR",
            "question": _question(asked, goal=goal),
            "answer": facts.names[clue.team] if goal else OUTCOMES[clue.kind],
            "ask_time": asked,
            "clue_time": clue.time_s,
            "test_info": [{"realtime": float(one), "type": int(one > clue.time_s)} for one in told],
        }
    return None


def _question(asked: int, *, goal: bool) -> str:
    if goal:
        return f"Which team scores the first goal after {clock(asked)} of the video?"
    return f"What becomes of the first shot after {clock(asked)} of the video?"


def _turning_points(facts: Facts) -> list[float]:
    return [event.time_s for event in facts.events if event.kind in {Kind.SHOT, *SCORE_KINDS, *OUTCOMES}]


def _away_from(moments: range, times: list[float], rng: np.random.Generator) -> Iterator[int]:
    """Moments at which none of this changes, in random order."""
    for index in rng.permutation(len(moments)):
        if _is_away(moments[index], times):
            yield moments[index]


def _is_away(moment: int, times: list[float]) -> bool:
    return all(abs(time_s - moment) >= _CLEAR_S for time_s in times)


def _two(moments: list[int], rng: np.random.Generator) -> list[int]:
    return sorted(moments[index] for index in rng.permutation(len(moments))[:2])
