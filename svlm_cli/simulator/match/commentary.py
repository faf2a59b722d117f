"""The commentary of a match, by fixed rules. docs/endless-match.md states them for people.

The commentator works in seconds, like a model: in second s it has seen the pictures of s and s + 0.5, knows its own
words and the clock, and starts at most one sentence. It knows the log so far, and nothing of the future.
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

# {team} is a name, {home} and {away} are numbers, {way} is "forward" or "back". An event counts as told at the word
# marked *, which determines kind and team. Punctuation belongs to the word before it.
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
REMINDER: Final = "Still {home} {away}."  # for no event: the score, from memory
SCORE_KINDS: Final = frozenset({Kind.GOAL, Kind.HALF_TIME, Kind.FULL_TIME})  # these stop the game
MINOR: Final = frozenset({Kind.PASS, Kind.DRIBBLE})
QUIET_S: Final = 1  # minor events are told only after this much silence
REMINDER_EVERY_S, REMINDER_WITHIN_S = 25, 5

_NAME_MS, _WORD_MS = 400, 300
CELL: Final = 28  # in pixels: what one token shows


@dataclass(frozen=True, slots=True)
class Number:
    """The meaning of a number: which score, and whose goals."""

    score: Score
    side: int  # 0 home, 1 away
    shown: bool  # readable from the board; otherwise it must be remembered


@dataclass(frozen=True, slots=True)
class CommentaryWord:
    """A spoken word with the punctuation after it. It belongs to the second in which it ends."""

    start_s: float
    end_s: float
    text: str
    event: Event | None = None  # only on a sentence's key word
    team: int | None = None  # only on a name: whose it is
    number: Number | None = None  # only on a number

    @property
    def second(self) -> int:
        """The second s, with (s, s + 1] containing the word's end."""
        return round(self.end_s * 1000 - 1) // 1000


def words(match: Match, start_s: float, end_s: float) -> tuple[CommentaryWord, ...]:
    """The words that end in (start, end]. Plays on if necessary.

    ValueError: the match before `start_s` has been forgotten, so earlier words are unknown.
    """
    # The commentator only remembers the score, which is in the log, and when it last spoke: anything more than two
    # halves ago is irrelevant.
    first = max(0, int(start_s) - 2 * HALF_S - 60)
    spoken = _speak(match, first, int(np.ceil(end_s)))
    return tuple(word for word in spoken if start_s < word.end_s <= end_s)


def second_text(spoken: Iterable[CommentaryWord]) -> str:
    """A second's words as trained and generated: each with a space before it."""
    return "".join(f" {word.text}" for word in spoken)


def _speak(match: Match, first: int, end: int) -> Iterator[CommentaryWord]:
    """The words of sentences that start in these seconds; exact at first only if `first` is the start of the match."""
    names = (match.teams[0].name, match.teams[1].name)
    log = _Log(match.events(first, end))
    waiting: Event | None = None
    free_from = score_said = first  # seconds
    for second in range(first, end):
        minor, major = log.read(second + 1)
        waiting = major or waiting  # the newest is told
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
    """The events so far."""

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
    """A dense description of the picture half a second into a second, used while a model learns to see.

    Kit and team of the player nearest to the ball, column and row of the ball in cells of 28 pixels, the ball's state,
    and the score if the board is shown: ``red Falvon c3 r2 held``, ``white Torbek c8 r3 net two one``.

    `name_first`: ``Falvon red c3 r2 held``. A kit is seen; naming the team at sight is what a commentator does.
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
    """The ball's state, given the distance of the nearest player: `held`, `loose`, `net` or `out`."""
    x, y = ball
    if not LEFT <= x <= RIGHT:
        return "net" if abs(y - CENTRE_Y) <= MOUTH else "out"
    if not TOP <= y <= BOTTOM:
        return "out"
    return "held" if distance < (REACH + CLEAR) / 2 else "loose"
