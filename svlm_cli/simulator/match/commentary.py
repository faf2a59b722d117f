"""What is said of a match: rules, not dice. docs/endless-match.md states them for people.

The speaker lives in seconds, as a model does: in second s it has seen the pictures of s and s + 0.5, knows its own
words and the clock, and begins at most one sentence. Knows the log of the match, in order, and nothing that is to come.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.match.events import Event, Kind, Score
from svlm_cli.simulator.match.match import Match
from svlm_cli.simulator.match.pitch import BOTTOM, CENTRE_Y, CLEAR, HALF_S, LEFT, MOUTH, PER_TEAM, REACH, RIGHT, TOP

NUMBERS: Final = ("nil", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# {team} is a name, {home} and {away} are numbers, {way} is "forward" or "back". By the word marked * the event counts
# as said: with it, kind and team are known. Punctuation belongs to the word before it.
SENTENCES: Final[dict[Kind, str]] = {
    Kind.KICK_OFF: "{team} *kick off.",
    Kind.PASS: "{team} *pass it {way}.",
    Kind.DRIBBLE: "{team} *run with it.",
    Kind.INTERCEPTION: "{team} *win it back.",
    Kind.SHOT: "{team} *shoot.",
    Kind.SAVE: "Saved by *{team}.",
    Kind.MISS: "Wide from *{team}.",
    Kind.GOAL: "Goal for *{team}, {home} {away}.",
    Kind.CORNER: "Corner for *{team}.",
    Kind.THROW_IN: "{team} *throw it in.",
    Kind.HALF_TIME: "Half *time, {home} {away}.",
    Kind.FULL_TIME: "Full *time, {home} {away}.",
}
REMINDER: Final = "Still {home} {away}."  # of no event: the score, from memory
SCORE_KINDS: Final = frozenset({Kind.GOAL, Kind.HALF_TIME, Kind.FULL_TIME})  # they stop the game
MINOR: Final = frozenset({Kind.PASS, Kind.DRIBBLE})
QUIET_S: Final = 1  # minor events are worth a word after so many seconds without one
REMINDER_EVERY_S, REMINDER_WITHIN_S = 25, 5

_NAME_MS, _WORD_MS = 400, 300
CELL: Final = 28  # pixels: what one token shows


@dataclass(frozen=True, slots=True)
class Number:
    """What a number tells: of which score, and whose goals."""

    score: Score
    side: int  # 0 home, 1 away
    shown: bool  # it can be read from the board; otherwise it must be remembered


@dataclass(frozen=True, slots=True)
class CommentaryWord:
    """A spoken word, with the punctuation that follows it. It belongs to the second in which it ends."""

    start_s: float
    end_s: float
    text: str
    event: Event | None = None  # on a sentence's key word alone
    team: int | None = None  # on a name alone: whose
    number: Number | None = None  # on a number alone

    @property
    def second(self) -> int:
        """S of (s, s + 1], in which the word ends."""
        return round(self.end_s * 1000 - 1) // 1000


def words(match: Match, start_s: float, end_s: float) -> tuple[CommentaryWord, ...]:
    """The words that end in (start, end]. Plays on if need be.

    ValueError: too much of the match before `start_s` is forgotten to know what was said.
    """
    # All that the speaker remembers is the score, which the log tells, and when there was speech last: two halves
    # before, nothing matters any more.
    first = max(0, int(start_s) - 2 * HALF_S - 60)
    spoken = _speak(match, first, int(np.ceil(end_s)))
    return tuple(word for word in spoken if start_s < word.end_s <= end_s)


def second_text(spoken: Iterable[CommentaryWord]) -> str:
    """A second's words as they are trained and generated: each with a space before it."""
    return "".join(f" {word.text}" for word in spoken)


def _speak(match: Match, first: int, end: int) -> Iterator[CommentaryWord]:
    """The words of the sentences that begin in these seconds; of the first ones only if they are the match's."""
    names = (match.teams[0].name, match.teams[1].name)
    log = _Log(match.events(first, end))
    waiting: Event | None = None
    free_from = score_said = first  # seconds
    for second in range(first, end):
        minor, major = log.read(second + 1)
        waiting = major or waiting  # the newest is what will be said
        if second < free_from:
            continue
        slot = second - second % REMINDER_EVERY_S
        said = waiting
        if waiting is None and not (log.ball_in_play and score_said < slot and second < slot + REMINDER_WITHIN_S):
            if minor is None or second < free_from + QUIET_S:
                continue
            said = minor
        sentence = tuple(_sentence(said, second, names, log.score))
        yield from sentence
        waiting, free_from = None, sentence[-1].second + 1
        if said is None or said.kind in SCORE_KINDS:
            score_said = sentence[-1].second


class _Log:
    """What happened so far."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = deque(events)
        self.score = (0, 0)
        self.ball_in_play = False  # from a kick-off to a goal or a whistle

    def read(self, until_s: float) -> tuple[Event | None, Event | None]:
        """The newest minor and the newest major event since the last call."""
        minor, major = None, None
        while self._events and self._events[0].time_s < until_s:
            event = self._events.popleft()
            self.score = event.score
            if event.kind in MINOR:
                minor = event
            else:
                major = event
                self.ball_in_play = event.kind not in SCORE_KINDS
        return minor, major


def _sentence(event: Event | None, second: int, names: tuple[str, str], score: Score) -> Iterator[CommentaryWord]:
    pattern = REMINDER if event is None else SENTENCES[event.kind]
    team = None if event is None else event.team
    name = "" if team is None else names[team]
    way = "forward" if event is not None and event.forward else "back"
    shown = event is not None and event.kind is Kind.GOAL
    end_ms = second * 1000
    for part in pattern.split():
        text = part.removeprefix("*").format(team=name, way=way, home=NUMBERS[score[0]], away=NUMBERS[score[1]])
        start_ms, end_ms = end_ms, end_ms + (_NAME_MS if "{team}" in part else _WORD_MS)
        yield CommentaryWord(
            start_ms / 1000,
            end_ms / 1000,
            text,
            event if part.startswith("*") else None,
            team if "{team}" in part else None,
            Number(score, "{away}" in part, shown) if "{home}" in part or "{away}" in part else None,
        )


def describe(match: Match, second: int, *, name_first: bool = False) -> tuple[CommentaryWord, ...]:
    """A dense description of what is on screen half a second into a second, for the stage in which a model learns to
    see: kit and team of the player nearest the ball, column and row of the ball in cells of 28 pixels, what the ball
    does, and the score if the board is there: ``red Falvon c3 r2 held``, ``white Torbek c8 r3 net two one``.

    `name_first`: ``Falvon red c3 r2 held``. A kit is seen; to name the team at sight is what a commentator does.
    """
    scene = match.scenes([second + 0.5])
    ball, players = scene.ball[0], scene.players[0]
    away = np.hypot(*(players - ball).T)
    team = match.teams[int(away.argmin()) // PER_TEAM]
    who = (team.name, team.kit) if name_first else (team.kit, team.name)
    said = [*who, f"c{ball[0] // CELL + 1}", f"r{ball[1] // CELL + 1}", ball_state(ball, float(away.min()))]
    if scene.scoreboard[0]:
        said += [NUMBERS[number] for number in scene.score[0]]
    ends = [second + (k + 1) / len(said) for k in range(len(said))]
    return tuple(CommentaryWord(end - 1 / len(said), end, text) for end, text in zip(ends, said, strict=True))


def ball_state(ball: NDArray[np.int32], distance: float) -> str:
    """What the ball does, with the nearest player so far away: `held`, `loose`, `net` or `out`."""
    x, y = ball
    if not LEFT <= x <= RIGHT:
        return "net" if abs(y - CENTRE_Y) <= MOUTH else "out"
    if not TOP <= y <= BOTTOM:
        return "out"
    return "held" if distance < (REACH + CLEAR) / 2 else "loose"
