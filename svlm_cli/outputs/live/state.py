"""The live view's state per video: condition, newest pictures, words, numbers.

Plain data, updated by events with their times. Knows no screen.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from svlm_cli.core.events import RoundEnded, RoundStarted, SourceEvent, SourceStatus, TokenSpoken
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Picture
from svlm_cli.outputs.breaks import ends_sentence
from svlm_cli.outputs.live.condition import Condition, condition
from svlm_cli.outputs.live.meters import Minute, Rate
from svlm_cli.outputs.style import DEFAULT_STYLE

_LONGEST_SENTENCE = 300  # characters per entry: some models never end a sentence
_NO_SPACE_AFTER = ("", "-", "(", "[", '"', "'")
HISTORY = 2000  # phrases to scroll back through, per video
_MOST_WORDS = 2000  # characters of the round in progress


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence with the time of its first word, or a gap; no control characters. `serial` counts per video."""

    serial: int
    start_s: float
    text: str


@dataclass(slots=True, eq=False)
class Channel:
    """One video."""

    name: str
    condition: Condition = Condition.CONNECTING
    reason: str = ""  # why there is no picture
    length_s: float | None = None
    files: str = ""  # its output files
    phrases: deque[Phrase] = field(default_factory=lambda: deque(maxlen=HISTORY))
    spoken: int = 0  # number of phrases so far
    _unfinished: str = ""  # the last phrase as generated, if its sentence continues
    _said_until_s: float = 0.0  # end of the round of its last word
    position_s: float | None = None  # captioned so far, on a player's clock
    lag_s: float | None = None
    speed: float | None = None  # seconds of video per second, for files
    dropped: int = 0
    arrived: Rate = field(default_factory=Rate)
    looked_at: Rate = field(default_factory=Rate)
    tokens: Minute = field(default_factory=Minute)
    begun_s: float | None = None  # time of the first chunk
    _first_s: float | None = None  # on the video's clock
    _round: RoundStarted | None = None  # the newest round
    _pictures: tuple[Picture, ...] = ()
    _round_at_s: float = 0.0
    _raw: str = ""

    def hear(self, event: SourceEvent, now_s: float, pictures: Sequence[Picture] = ()) -> None:
        """Take in an event of the video; `pictures` are those of a round that starts."""
        match event:
            case RoundStarted():
                self._start(event, tuple(pictures), now_s)
            case TokenSpoken():
                self._raw = (self._raw + event.text)[-_MOST_WORDS:]
                self.tokens.add(1, now_s)
            case RoundEnded():
                self._end(event, now_s)
            case SourceStatus():
                self.become(condition(event), event.reason)

    def _start(self, event: RoundStarted, pictures: tuple[Picture, ...], now_s: float) -> None:
        self._round, self._pictures, self._round_at_s, self._raw = event, pictures, now_s, ""
        if event.gap_s or event.start_s - self._said_until_s >= DEFAULT_STYLE.silence_s:
            self._unfinished = ""
        if self.begun_s is None or self._first_s is None:
            self.begun_s, self._first_s = now_s, event.start_s
        if event.gap_s:
            self._add(event.start_s, f"({event.gap_s:.0f} s without a picture)")
        self.dropped += event.dropped
        self.arrived.add(event.frames + event.dropped, now_s)
        self.looked_at.add(event.frames, now_s)

    def _end(self, event: RoundEnded, now_s: float) -> None:
        self._raw = ""
        self.position_s, self.lag_s = event.end_s, event.latency_s
        if self.begun_s is not None and self._first_s is not None and now_s > self.begun_s:
            self.speed = (event.end_s - self._first_s) / (now_s - self.begun_s)
        for sentence in _sentences(_joined(self._unfinished, event.text)):
            self._say(sentence, event.start_s)
            self._said_until_s = event.end_s

    def _say(self, sentence: str, start_s: float) -> None:
        """Add a sentence, or the rest of one that has begun."""
        words = " ".join(plain_text(sentence).split())
        if self._unfinished:
            self.phrases[-1] = replace(self.phrases[-1], text=words)
        else:
            self._add(start_s, words)
        goes_on = not ends_sentence(words.rsplit(" ", 1)[-1]) and len(words) < _LONGEST_SENTENCE
        self._unfinished = sentence if goes_on else ""

    def note(self, text: str) -> None:
        """Add a line that is not a caption, such as an answer, among the words."""
        self._unfinished = ""
        self._add(self.position_s or 0.0, presentable(text))

    def _add(self, start_s: float, text: str) -> None:
        self.phrases.append(Phrase(self.spoken, start_s, text))
        self.spoken += 1

    def become(self, condition: Condition, reason: str) -> None:
        """Set the state of the source. While it retries, the reason for the missing picture is kept."""
        if reason or not condition.without_picture:
            self.reason = presentable(reason)
        self.condition = condition

    @property
    def saying(self) -> Phrase | None:
        """The phrase in progress, with the earlier words of its sentence; None while it has no visible text."""
        if self._round is None or not plain_text(self._raw).strip():
            return None
        words = " ".join(plain_text(_joined(self._unfinished, self._raw)).split())
        if self._unfinished:
            return replace(self.phrases[-1], text=words)
        return Phrase(self.spoken, self._round.start_s, words)

    def said(self) -> list[Phrase]:
        """All phrases, the one in progress last."""
        saying = self.saying
        if saying is None:
            return list(self.phrases)
        return [*(phrase for phrase in self.phrases if phrase.serial < saying.serial), saying]

    def picture(self, now_s: float) -> Picture | None:
        """The picture to show: the pictures of a chunk are played at their own pace while the model generates."""
        if self._round is None or not self._pictures:
            return None
        return self._pictures[self._index(self._round, now_s)]

    def picture_s(self, now_s: float) -> float | None:
        """The time of that picture on the video's clock."""
        shown = self._round
        return None if shown is None else shown.start_s + self._index(shown, now_s) * _step_s(shown)

    def _index(self, shown: RoundStarted, now_s: float) -> int:
        return min(int((now_s - self._round_at_s) / _step_s(shown)), shown.frames - 1)

    def frozen(self) -> "Channel":
        """A copy that later events do not change."""
        return replace(self, phrases=deque(self.phrases, maxlen=HISTORY))


def _joined(before: str, text: str) -> str:
    """Append one round's words to another's: some models start none with a space."""
    touching = before[-1:].isascii() and text[:1].isascii() and text[:1].isalnum()
    return f"{before} {text}" if touching and before[-1:] not in _NO_SPACE_AFTER else before + text


def _sentences(text: str) -> Iterator[str]:
    """Split `text` into sentences, unchanged; the last one may be unfinished."""
    begun = 0
    words = list(re.finditer(r"\S+", text))
    for word, following in pairwise(words):
        if ends_sentence(word[0], following[0]):
            yield text[begun : word.end()]
            begun = word.end()
    if words:
        yield text[begun:]


def _step_s(shown: RoundStarted) -> float:
    return (shown.end_s - shown.start_s) / shown.frames


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of all videos together."""

    arrived: float | None
    looked_at: float | None
    lag_s: float | None  # the longest
    speed: float | None
    dropped: int
    tokens: float
    counts: list[int]  # tokens in each second

    @classmethod
    def of(cls, channels: Iterable[Channel], now_s: float) -> "Totals":
        channels = list(channels)
        counts = [channel.tokens.counts(now_s) for channel in channels]
        return cls(
            arrived=_sum(channel.arrived.at(now_s) for channel in channels),
            looked_at=_sum(channel.looked_at.at(now_s) for channel in channels),
            lag_s=max((channel.lag_s for channel in channels if channel.lag_s is not None), default=None),
            speed=_sum(channel.speed for channel in channels if channel.condition is Condition.FILE),
            dropped=sum(channel.dropped for channel in channels),
            tokens=sum(channel.tokens.rate(now_s) for channel in channels),
            counts=[sum(second) for second in zip(*counts, strict=True)],
        )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
