"""What is said about footage, by fixed rules; docs/footage.md describes them.

The speaker works second by second, as a model does: in second s it has seen the pictures of s and s + 0.5, knows its
own words and the time, and begins at most one sentence. It knows the past only.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from svlm_cli.simulator.footage import statements
from svlm_cli.simulator.footage.events import SeenEvent
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.remarks import Remark, crowds, remarks, shot_of, still_stretches
from svlm_cli.simulator.footage.shots import How
from svlm_cli.simulator.footage.statements import STILL_FOR, Statement, Topic

LAST_PICTURE_S: Final = 0.5  # within each second: its last picture
WORD_MS: Final = 300
WORDS_PER_SECOND: Final = 2  # on average, including pauses
PATIENCE_S: Final = 2.5  # a remark that was delayed longer is dropped
AT_ONCE_S: Final = 1.5  # the same for a cut, for which no sentence has to end
SENTENCE_S: Final = 2.5  # in which every sentence can be said
STILL_AFTER_S: Final = 3.0
REMEMBERED_S: Final = 10.0  # for which the thing that was mentioned last is "it"
ANOTHER_WITHIN_S: Final = 20.0
MATCH_AGAIN_S: Final = 30  # when Endless Match is named again: a stream may begin in its middle
CROWD_AGAIN_S: Final = 10.0  # when a crowd is mentioned again

CROWD: Final = Statement(Topic.MOVES, count="many")

_ORDER: Final = (
    Topic.CUT,
    Topic.PICTURE,
    Topic.CAMERA,
    Topic.ENTERS,
    Topic.LEAVES,
    Topic.STOPS,
    Topic.MOVES,
    Topic.LIGHT,
    Topic.WEATHER,
    Topic.STILL,
)
_USUAL: Final = (Topic.MOVES, Topic.STOPS)
_COUNTS: Final = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True, slots=True)
class SentenceWord:
    """A spoken word, with the punctuation that follows it. It belongs to the second in which it ends."""

    start_s: float
    end_s: float
    text: str
    statement: Statement | None = None  # of the sentence, on its last word

    @property
    def second(self) -> int:
        """The second in which the word ends: s for an end in (s, s + 1]."""
        return round(self.end_s * 1000 - 1) // 1000


@dataclass(frozen=True, slots=True)
class News:
    """What may be stated by a sentence that begins when the last picture seen is of these times."""

    statement: Statement
    from_s: float
    until_s: float
    due_s: float  # until then, a speaker who has time for it states it; before `from_s`: need not state it


def words(footage: EndlessFootage, start_s: float, end_s: float) -> tuple[SentenceWord, ...]:
    """The words that end within (start, end]."""
    number = footage.shots(start_s, start_s + 1)[0].number
    while footage.shot(number).how is How.CROSS_FADE:  # all other shots start from an empty state
        number -= 1
    spoken = commentary((footage.shot_log(one).events for one in itertools.count(number)), end_s)
    return tuple(word for word in spoken if start_s < word.end_s <= end_s)


def texts(footage: EndlessFootage, seconds: int) -> tuple[str, ...]:
    """What is said in each of the first seconds, with a space before each word."""
    return by_second(words(footage, 0, seconds), seconds)


def by_second(spoken: Iterable[SentenceWord], seconds: int) -> tuple[str, ...]:
    """What is said in each of the first seconds, with a space before each word."""
    said = [""] * seconds
    for word in spoken:
        if word.second < seconds:
            said[word.second] += f" {word.text}"
    return tuple(said)


def news(footage: EndlessFootage, seconds: int) -> tuple[News, ...]:
    """All that could be said about the first seconds. The commentary says what it has time for."""
    logs = [footage.shot_log(shot.number) for shot in footage.shots(0, seconds)]
    return tuple(one for log in logs for one in _news_of(log.events, seconds))


def _news_of(events: Sequence[SeenEvent], end_s: float) -> Iterator[News]:
    """All that could be said about a shot, if nothing after `end_s` is shown."""
    shot = shot_of(events)
    latest_s = min(shot.end_s, end_s) - SENTENCE_S  # a later sentence would be interrupted
    among = crowds(events)
    for one in remarks(events):
        patience_s = AT_ONCE_S if interrupts(one.statement) else PATIENCE_S
        until_s = min(one.from_s + patience_s, shot.end_s)
        usual = _is_usual(one) and any(start_s <= until_s and one.from_s < end for start_s, end in among)
        latest = end_s - SENTENCE_S if one.statement.topic is Topic.CUT else latest_s
        due_s = -math.inf if usual else min(until_s, latest)
        yield News(one.statement, one.from_s, until_s, due_s)
    before_s = -math.inf
    for start_s, until_s in among:
        due_s = min(start_s + PATIENCE_S, until_s, latest_s) if start_s - before_s >= CROWD_AGAIN_S else -math.inf
        yield News(CROWD, start_s, until_s, due_s)
        for again_s in np.arange(start_s + CROWD_AGAIN_S, until_s, CROWD_AGAIN_S).tolist():
            yield News(CROWD, again_s, until_s, -math.inf)
        before_s = until_s
    for start_s, until_s in still_stretches(events):
        for after_s, length in [(STILL_AFTER_S, ""), *STILL_FOR.items()]:
            from_s = start_s + after_s
            if from_s < until_s:
                due_s = min(from_s + PATIENCE_S, until_s, latest_s)
                yield News(Statement(Topic.STILL, length), from_s, until_s, due_s)


def match_texts(seconds: int) -> tuple[str, ...]:
    """What is said about Endless Match without its context: one sentence, again and again."""
    statement = Statement(Topic.PICTURE, "endless match")
    sentence = statements.OF_THE_PICTURE[statement]
    spoken = (spoken_words(begin, sentence, statement) for begin in range(0, seconds, MATCH_AGAIN_S))
    return by_second(itertools.chain.from_iterable(spoken), seconds)


def commentary(shots: Iterable[Sequence[SeenEvent]], end_s: float) -> Iterator[SentenceWord]:
    """The words of all sentences about shots, of which the events are given. A cut interrupts a sentence."""
    speaker, spoken = _Speaker(), list[SentenceWord]()
    for events in shots:
        shot = shot_of(events)
        if shot.start_s >= end_s:
            break
        first, last = (math.ceil(time_s - LAST_PICTURE_S) for time_s in (shot.start_s, shot.end_s))
        speaker.enter(events)
        if shot.what != How.CROSS_FADE:
            speaker.break_off()
            yield from (word for word in spoken if word.end_s <= first)
            spoken = []
        for second in range(first, min(last, math.ceil(end_s))):
            sentence = speaker.sentence(second)
            if sentence is not None:
                yield from spoken
                spoken = list(spoken_words(second, *sentence))
    yield from spoken


def lasts_s(words_: int) -> int:
    """For how many seconds a sentence of so many words keeps the next one waiting."""
    return math.ceil(words_ / WORDS_PER_SECOND)


def spoken_words(second: int, text: str, statement: Statement) -> Iterator[SentenceWord]:
    """The words of a sentence that begins with a second."""
    parts = text.split()
    for index, part in enumerate(parts):
        start_ms = second * 1000 + index * WORD_MS
        ends = statement if index == len(parts) - 1 else None
        yield SentenceWord(start_ms / 1000, (start_ms + WORD_MS) / 1000, part, ends)


@dataclass(slots=True)
class _Shot:
    """The speaker's state within a shot."""

    coming: list[Remark]  # remarks that are not due yet, the next one last
    still: list[tuple[float, float]]  # stretches without motion, in order
    open: list[Remark] = field(default_factory=list)  # remarks that may be made now
    still_said: dict[float, int] = field(default_factory=dict)  # start of a stretch -> the duration last announced
    it: int | None = None  # the thing that was mentioned last
    it_s: float = -math.inf
    entered_s: dict[str, float] = field(default_factory=dict)  # side -> when something was said to enter from it
    crowds: list[tuple[float, float]] = field(default_factory=list)
    crowd_s: float = -math.inf  # when many things were said to move


class _Speaker:
    """Speaks one sentence at a time."""

    def __init__(self) -> None:
        self._free_from = 0
        self._shot = _Shot([], [])

    def enter(self, events: Sequence[SeenEvent]) -> None:
        """Begin a new shot, and forget what was not said about the last one."""
        coming = sorted(remarks(events), key=lambda one: -one.from_s)
        self._shot = _Shot(coming, still_stretches(events), crowds=crowds(events))

    def break_off(self) -> None:
        """Stop the current sentence, so that the next one can begin immediately."""
        self._free_from = 0

    def sentence(self, second: int) -> tuple[str, Statement] | None:
        """The sentence that begins in that second, if any."""
        shot, seen_s = self._shot, second + LAST_PICTURE_S
        while shot.coming and shot.coming[-1].from_s <= seen_s:
            shot.open.append(shot.coming.pop())
        if second < self._free_from:
            return None
        shot.open = [one for one in shot.open if one.from_s > seen_s - PATIENCE_S]
        crowd = next((Remark(CROWD, start_s) for start_s, end_s in shot.crowds if start_s <= seen_s < end_s), None)
        worth = [one for one in shot.open if crowd is None or not _is_usual(one)]
        if crowd is not None and seen_s - shot.crowd_s >= CROWD_AGAIN_S:
            worth.append(crowd)
        said = self._news(worth, seen_s) if worth else self._stillness(seen_s)
        if said is None:
            return None
        self._free_from = second + lasts_s(len(said[0].split()))
        return said

    def _news(self, worth: list[Remark], seen_s: float) -> tuple[str, Statement]:
        first = min(worth, key=lambda one: (rank(one.statement), -one.large, one.from_s))
        if first.statement == CROWD:
            self._shot.crowd_s, self._shot.it = seen_s, None
            return statements.moves("", count="many"), CROWD
        together = [one for one in worth if _goes_with(one, first)]
        if len({one.statement.what for one in together}) > 1:
            together = together[: max(_COUNTS)]  # more of them would be a crowd
        self._shot.open = [one for one in self._shot.open if one not in together]
        if first.thing is None:
            return statements.OF_THE_PICTURE[first.statement], first.statement
        return self._of_one(first, seen_s) if len(together) == 1 else self._of_several(together, seen_s)

    def _of_one(self, remark: Remark, seen_s: float) -> tuple[str, Statement]:
        shot, told = self._shot, remark.statement
        it = remark.thing == shot.it and seen_s - shot.it_s <= REMEMBERED_S
        shot.it, shot.it_s = remark.thing, seen_s
        match told.topic:
            case Topic.ENTERS:
                another = seen_s - shot.entered_s.get(told.what, -math.inf) <= ANOTHER_WITHIN_S
                shot.entered_s[told.what] = seen_s
                return statements.enters(told.what, size=told.size, another=another), told
            case Topic.LEAVES:
                return statements.leaves(told.what, it=it), told
            case Topic.STOPS:
                return statements.stops(told.what, size="" if it else told.size, it=it), _sized(told, sized=not it)
        return statements.moves(told.what, size="" if it else told.size, it=it), _sized(told, sized=not it)

    def _of_several(self, together: list[Remark], seen_s: float) -> tuple[str, Statement]:
        shot, topic = self._shot, together[0].statement.topic
        ways = {one.statement.what for one in together}
        what = ways.pop() if len(ways) == 1 else ""
        count = _COUNTS.get(len(together), "many")
        shot.it = None
        if topic is Topic.MOVES:
            return statements.moves(what, count=count), Statement(topic, what, count)
        if topic is Topic.ENTERS:
            shot.entered_s[what] = seen_s
            return statements.enters(what, count=count), Statement(topic, what, count)
        return statements.leaves(what, count=count), Statement(topic, what, count)

    def _stillness(self, seen_s: float) -> tuple[str, Statement] | None:
        shot = self._shot
        began = next((start_s for start_s, end_s in shot.still if start_s <= seen_s < end_s), None)
        if began is None or seen_s - began < STILL_AFTER_S:
            return None
        if began not in shot.still_said:
            again = bool(shot.still_said)
            shot.still_said[began] = 0
            return (statements.STILL_AGAIN if again else statements.NOTHING), Statement(Topic.STILL)
        lasts = max((length for length in STILL_FOR if length <= seen_s - began), default=0)
        if lasts <= shot.still_said[began]:
            return None
        shot.still_said[began] = lasts
        return statements.still_for(lasts), Statement(Topic.STILL, STILL_FOR[lasts])


def rank(statement: Statement) -> float:
    """Of several things to say, the one of the lowest rank is said."""
    if statement == CROWD:
        return _ORDER.index(Topic.ENTERS) - 0.5
    return _ORDER.index(statement.topic)


def interrupts(statement: Statement) -> bool:
    """Whether it is said at once, in the middle of a sentence."""
    return statement.topic is Topic.CUT and statement.what != How.CROSS_FADE


def _is_usual(remark: Remark) -> bool:
    """Whether it is no news where many things move, and hide each other."""
    told = remark.statement
    return remark.thing is not None and remark.large < 2 and (told.topic in _USUAL or told.what == "middle")


def _goes_with(one: Remark, first: Remark) -> bool:
    """Whether one sentence covers two remarks: several things do the same, or move, in whatever direction."""
    ours, theirs = one.statement, first.statement
    if ours.topic is not theirs.topic or first.thing is None or ours.topic is Topic.STOPS:
        return one is first
    return ours.topic is Topic.MOVES or ours.what == theirs.what


def _sized(statement: Statement, *, sized: bool) -> Statement:
    return statement if sized else replace(statement, size="")
