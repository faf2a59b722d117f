"""A second commentator, who sees pictures alone: the context, two scenes a second, and what it said before.

It bounds what any model can reach: what it cannot say, nobody can. It shares no rule and no word with the package: all
of both is written here once more, from docs/endless-match.md. Of the order of players it uses the teams alone.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.match.match import Scenes

_BOARD = "#board"  # in a sentence: the two numbers that the board will show by then
_NUMBERS = "nil one two three four five six seven eight nine".split()
_LEFT, _RIGHT, _TOP, _BOTTOM, _MIDDLE = 14, 210, 30, 102, 66
_MAJOR = {"kick off", "win", "shoot", "saved", "wide", "goal", "corner", "throw", "half", "full"}


@dataclass(frozen=True, slots=True)
class Look:
    """One picture, understood."""

    place: str  # aside, net, out, held, loose
    x: int
    y: int
    team: int  # the one with the ball, or at whose mercy it is: who attacks the goal next to it
    in_box: bool
    lines: str  # half, full or nothing
    board: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _News:
    what: str
    team: int = 0
    way: str = ""


class Listener:
    """Speaks second by second."""

    def __init__(self, context: str) -> None:
        found = re.fullmatch(r"Match: \w+ (\w+) against \w+ (\w+)\.", context)
        assert found is not None
        self._names = (found[1], found[2])
        self._looks: list[Look] = []
        self._said: list[list[str]] = []
        self._planned: list[list[str]] = []  # what is left of the sentence, a list a second
        self._waiting: _News | None = None
        self._in_play = False

    def hear(self, scenes: Scenes) -> str:
        """The words of the next second, whose two moments are these."""
        news = []
        for moment in range(len(scenes)):
            self._looks.append(look(scenes, moment))
            news += self._understand()
        words = self._speak(len(self._said), news)
        if words == [_BOARD]:
            words = self._on_the_board()
        self._said.append(words)
        return "".join(f" {word}" for word in words)

    # What happened

    def _understand(self) -> list[_News]:
        now = self._looks[-1]
        if len(self._looks) == 1:
            return [_News("kick off", now.team)]
        before = self._looks[-2]
        if now.lines and not before.lines:
            return [_News(now.lines)]
        if now.place == "net" and before.place != "net":
            return [_News("goal", now.team)]
        if now.place == "out" and before.place == "loose" and before.in_box and self._shot_by() is not None:
            return [_News("wide", now.team)]
        if now.place == "loose":
            shot = now.in_box and before.place == "held" and before.team == now.team
            return [_News("shoot", now.team)] if shot else []
        return self._understand_held(before, now) if now.place == "held" else []

    def _understand_held(self, before: Look, now: Look) -> list[_News]:
        if before.place in {"net", "aside"}:
            return [_News("kick off", now.team)]
        if before.place == "out":
            if now.y not in {_TOP, _BOTTOM}:
                return []  # a goal kick
            return [_News("corner" if now.x in {_LEFT, _RIGHT} else "throw", now.team)]
        if before.place == "held":
            if before.team != now.team:
                return [_News("win", now.team)]
            ran = abs(now.x - before.x) > 8
            earlier = self._looks[-3] if len(self._looks) > 2 else before
            running = earlier.place == "held" and earlier.team == now.team and abs(before.x - earlier.x) > 8
            return [_News("run", now.team)] if ran and not running else []
        if self._shot_by() == 1 - now.team:
            return [_News("saved", now.team)]
        start = next(look for look in reversed(self._looks[:-1]) if look.place == "held")
        if start.team != now.team:
            return [_News("win", now.team)]
        forward = (now.x > start.x) == (now.team == 0)
        return [_News("pass", now.team, "forward" if forward else "back")]

    def _shot_by(self) -> int | None:
        """Whose shot the ball is, that was loose until just now."""
        flight: list[Look] = []
        for look in reversed(self._looks[:-1]):
            if look.place != "loose":
                first = flight[-1] if flight else None
                shot = first is not None and first.in_box and look.place == "held" and first.team == look.team
                return look.team if shot else None
            flight.append(look)
        return None

    # What is said of it

    def _speak(self, second: int, news: list[_News]) -> list[str]:
        major = [one for one in news if one.what in _MAJOR]
        minor = [one for one in news if one.what not in _MAJOR]
        if major:
            self._waiting = major[-1]
            if major[-1].what in {"goal", "half", "full"}:
                self._in_play = False
            elif major[-1].what == "kick off":
                self._in_play = True
        if self._planned:
            return self._planned.pop(0)
        if self._waiting is not None:
            said, self._waiting = self._waiting, None
        elif self._reminder_is_due(second):
            return f"Still {self._remembered()}.".split()
        elif minor and second > 0 and not self._said[-1]:
            said = minor[-1]
        else:
            return []
        self._planned = _seconds(_sentence(said, self._names[said.team], self._remembered()), self._names)
        return self._planned.pop(0)

    def _reminder_is_due(self, second: int) -> bool:
        slot = second // 25 * 25
        told = any(word.strip(".") in _NUMBERS for words in self._said[slot:] for word in words)
        return slot > 0 and self._in_play and second - slot < 5 and not told

    def _remembered(self) -> str:
        """The score, from what was said: of each game the last that was told, and before that nil nil."""
        game = " ".join(word for second in self._said for word in second).rpartition("Full time, ")[2]
        told = [word for word in game.replace(",", "").replace(".", "").split() if word in _NUMBERS]
        if "Full" in (word for second in self._said for word in second):
            told = told[2:]  # the final score of the game before
        return " ".join(told[-2:] or ["nil", "nil"])

    def _on_the_board(self) -> list[str]:
        board = self._looks[-1].board
        assert board is not None, "the board is there a second after each goal"
        return f"{_NUMBERS[board[0]]} {_NUMBERS[board[1]]}.".split()


def look(scenes: Scenes, moment: int) -> Look:
    (x, y), players = (int(each) for each in scenes.ball[moment]), scenes.players[moment]
    distance = np.hypot(*(players - scenes.ball[moment]).T)
    deep = min(abs(x - _LEFT), abs(x - _RIGHT))
    team = int(distance.argmin()) // 4
    if not _LEFT <= x <= _RIGHT:
        place = "net" if abs(y - _MIDDLE) < 15 else "out"
    elif not _TOP <= y <= _BOTTOM:
        place = "aside" if abs(x - 112) < 5 else "out"
    else:
        place = "held" if distance.min() < 11 else "loose"
    if place != "held":
        team = 0 if x > 112 else 1
    board = tuple(int(each) for each in scenes.score[moment])
    return Look(
        place,
        x,
        y,
        team,
        deep <= 44 and abs(y - _MIDDLE) <= 26,
        _lines(players) if place == "aside" else "",
        (board[0], board[1]) if scenes.scoreboard[moment] else None,
    )


def _lines(players: NDArray[np.int32]) -> str:
    for axis, name in ((0, "half"), (1, "full")):
        if all(len(set(team[:, axis].tolist())) == 1 for team in (players[:4], players[4:])):
            return name
    return ""


def _sentence(news: _News, name: str, score: str) -> str:
    return {
        "kick off": f"{name} kick off.",
        "pass": f"{name} pass it {news.way}.",
        "run": f"{name} run with it.",
        "win": f"{name} win it back.",
        "shoot": f"{name} shoot.",
        "saved": f"Saved by {name}.",
        "wide": f"Wide from {name}.",
        "goal": f"Goal for {name}, #board",
        "corner": f"Corner for {name}.",
        "throw": f"{name} throw it in.",
        "half": f"Half time, {score}.",
        "full": f"Full time, {score}.",
    }[news.what]


def _seconds(sentence: str, names: tuple[str, str]) -> list[list[str]]:
    """Names take 0.4 s, other words 0.3 s; a word belongs to the second in which it ends."""
    seconds: list[list[str]] = []
    tenths = 0
    for word in sentence.split():
        tenths += 4 if word.strip(".,") in names else 3
        while (tenths - 1) // 10 >= len(seconds):
            seconds.append([])
        seconds[(tenths - 1) // 10].append(word)
    return seconds
