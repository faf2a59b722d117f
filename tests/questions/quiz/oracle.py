"""A second opinion on what is asked about matches, from pictures and the log, each up to the moment of the question.

It shares no rule with the package: what a question means is written here once more, from docs/endless-match.md. It
looks at nothing that comes after the question.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.simulator.match.match import Match
from svlm_cli.simulator.match.render import render
from tests.simulator.match.listener import look

ACTIONS: Final = {
    "kick_off": "kicked off",
    "pass": "passed the ball to a teammate",
    "interception": "won the ball from the other team",
    "dribble": "ran with the ball",
    "shot": "shot at the goal",
    "save": "saved a shot",
    "goal": "scored a goal",
    "miss": "missed the goal with a shot",
    "corner": "got a corner",
    "throw_in": "got a throw-in",
}
ENDS: Final = {"goal": "a goal", "save": "it was saved", "miss": "it missed the goal"}
COLOURS: Final = {  # of a disc, as people name them
    "red": (220, 40, 40),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "white": (240, 240, 240),
    "purple": (140, 40, 180),
    "cyan": (40, 220, 220),
    "orange": (250, 130, 20),
}


class Oracle:
    """Answers in words: an option, a number, yes or no."""

    def __init__(self, match: Match, seconds: int) -> None:
        self._scenes = match.scenes(np.arange(2 * seconds) / 2)
        self._looks = [look(self._scenes, moment) for moment in range(2 * seconds)]
        self._log = [(event.time_s, event.kind.value, event.team) for event in match.events(0, seconds)]
        self._match = match

    def answer(self, question: VideoQuestion, *, sooner_s: float = 0.0) -> str:
        """`sooner_s`: as somebody answers who has not seen the last of the video."""
        teams = re.fullmatch(r"Match: \w+ (\w+) against \w+ (\w+)\.", question.known)
        assert teams is not None
        assert question.end_s is not None
        names, end_s = (teams[1], teams[2]), question.end_s - sooner_s
        log = [one for one in self._log if one[0] < end_s]
        if question.task in {"OJR", "ATR", "STU", "OCR"}:
            return self._now(question.task, names, round(2 * end_s) - 1)
        match question.task:
            case "SSR":
                return self._step(question.text, round(2 * end_s) - 1)
            case "CRR":
                found = re.fullmatch(
                    r"(?:Which team scores|What becomes of) the first (goal|shot) after ([\d:]+) of the video\?",
                    question.text,
                )
                assert found is not None
                kinds = ["goal"] if found[1] == "goal" else [*ENDS]
                seen = [kind for time_s, kind, _ in log if time_s >= _seconds(found[2])]
                return "yes" if {*kinds}.intersection(seen) else "no"
            case "REC":
                return str(_count(question.text, names, log))
            case "ACR":
                _, kind, team = log[-1]
                assert team is not None
                return f"{names[team]} {ACTIONS[kind]}"
            case _:
                return _then(question.text, names, log)

    def _now(self, task: str, names: Sequence[str], index: int) -> str:
        seen = self._looks[index]
        if task == "STU":
            return f"the {'upper' if seen.y < 66 else 'lower'} {'left' if seen.x < 112 else 'right'} quarter"
        if task == "OCR":
            assert seen.board is not None
            return _score(names, seen.board)
        assert seen.place == "held"
        return names[seen.team] if task == "OJR" else self._colour(index)

    def _colour(self, index: int) -> str:
        """Of the disc that is nearest to the ball, on the picture."""
        players = self._scenes.players[index]
        x, y = players[np.hypot(*(players - self._scenes.ball[index]).T).argmin()]
        pixel = render(self._match.scenes([index / 2]))[0, y, x].astype(int)
        return min(COLOURS, key=lambda name: float(np.abs(pixel - COLOURS[name]).sum()))

    def _step(self, step: str, index: int) -> str:
        seen = self._looks[index]
        now = {
            "The ball is in play": seen.place in {"held", "loose"},
            "The ball lies in the goal": seen.place == "net",
            "The teams stand in two columns, for half-time": seen.lines == "half",
            "The teams stand in two rows, for full time": seen.lines == "full",
        }
        return "yes" if now[step] else "no"


Log = Sequence[tuple[float, str, int | None]]


def _known(text: str, log: Log) -> bool:
    """What was to come after a moment."""
    found = re.fullmatch(
        r"(?:Which team scores|What becomes of) the first (goal|shot) after ([\d:]+) of the video\?", text
    )
    assert found is not None
    kinds = {"goal"} if found[1] == "goal" else {*ENDS}
    return any(kind in kinds for time_s, kind, _ in log if time_s >= _seconds(found[2]))


def _then(text: str, names: Sequence[str], log: Log) -> str:
    """The questions about the past."""
    if found := re.fullmatch(r"What was the score at ([\d:]+) of the video\?", text):
        goals = [0, 0]
        for time_s, kind, team in log:
            if time_s > _seconds(found[1]):
                break
            if kind == "full_time":
                goals = [0, 0]
            elif kind == "goal" and team is not None:
                goals[team] += 1
        return _score(names, goals)
    if found := re.fullmatch(r"Which team scored the (first|last) goal (?:of the video|so far)\?", text):
        teams = [team for _, kind, team in log if kind == "goal"]
        return names[teams[0 if found[1] == "first" else -1] or 0]
    if found := re.fullmatch(r"What became of the last shot before ([\d:]+) of the video\?", text):
        return [ENDS[kind] for time_s, kind, _ in log if kind in ENDS and time_s < _seconds(found[1])][-1]
    found = re.fullmatch(r"Which team (.*) between ([\d:]+) and ([\d:]+) of the video\?", text)
    assert found is not None, text
    start_s, end_s = _seconds(found[2]), _seconds(found[3])
    did: set[int | None] = {
        team for time_s, kind, team in log if start_s <= time_s <= end_s and ACTIONS.get(kind) == found[1]
    }
    assert len(did) < 2, "otherwise two options are right"
    return names[did.pop() or 0] if did else "neither of them"


def _count(activity: str, names: Sequence[str], log: Log) -> int:
    kinds = {"score a goal": ["goal"], "save a shot": ["save"], "shoot at the goal": [*ENDS]}
    activity, _, name = activity.partition(" for ")
    return sum(kind in kinds[activity] and (not name or names[team or 0] == name) for _, kind, team in log)


def _score(names: Sequence[str], goals: Sequence[int]) -> str:
    return f"{names[0]} {goals[0]}, {names[1]} {goals[1]}"


def _seconds(clock: str) -> int:
    total = 0
    for part in clock.split(":"):
        total = 60 * total + int(part)
    return total


def reply(question: VideoQuestion, words: str) -> str:
    """As a model answers: the letter of the option with these words, if there is one; without options, the words."""
    if not question.options:
        return words
    letters: Mapping[str, str] = dict(zip(question.options, question.letters, strict=True))
    return letters.get(words, "")
