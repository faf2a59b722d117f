"""What the live view knows of each video: its state, its newest pictures, its words, its numbers.

Plain data, told what happens and when. Knows no screen.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from svlm_cli.core.events import RoundEnded, RoundStarted, SourceEvent, SourceStatus, TokenSpoken
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.condition import Condition, condition
from svlm_cli.outputs.live.meters import Minute, Rate

HISTORY = 2000  # phrases that can be scrolled back to, a video
_MOST_WORDS = 2000  # characters of a round that is being said


@dataclass(frozen=True, slots=True)
class Phrase:
    """A round's words, made plain, or what was missed. `serial` counts the phrases of its video."""

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
    files: str = ""  # where its words go
    phrases: deque[Phrase] = field(default_factory=lambda: deque(maxlen=HISTORY))
    spoken: int = 0  # phrases, ever
    position_s: float | None = None  # what is captioned, as players count
    lag_s: float | None = None
    speed: float | None = None  # seconds of video a second, of what is no live source
    dropped: int = 0
    arrived: Rate = field(default_factory=Rate)
    looked_at: Rate = field(default_factory=Rate)
    tokens: Minute = field(default_factory=Minute)
    begun_s: float | None = None  # when the first chunk came
    _first_s: float | None = None  # on the video's clock
    _round: RoundStarted | None = None  # the newest one
    _pictures: tuple[Picture, ...] = ()
    _round_at_s: float = 0.0
    _raw: str = ""

    def hear(self, event: SourceEvent, now_s: float, pictures: Sequence[Picture] = ()) -> None:
        """Something happened to the video; `pictures` are those of a round that starts."""
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
        if words := " ".join(plain_text(event.text).split()):
            self._add(event.start_s, words)

    def note(self, text: str) -> None:
        """What is neither seen nor said, such as an answer, among the words."""
        self._add(self.position_s or 0.0, presentable(text))

    def _add(self, start_s: float, text: str) -> None:
        self.phrases.append(Phrase(self.spoken, start_s, text))
        self.spoken += 1

    def become(self, condition: Condition, reason: str) -> None:
        """Its source is like this now. Why there is no picture stays true while it tries once more."""
        if reason or not condition.without_picture:
            self.reason = presentable(reason)
        self.condition = condition

    @property
    def saying(self) -> Phrase | None:
        """What is being said; none while nothing can be read of it."""
        words = " ".join(plain_text(self._raw).split())
        if self._round is None or not words:
            return None
        return Phrase(self.spoken, self._round.start_s, words)

    def picture(self, now_s: float) -> Picture | None:
        """The one to show: a second's pictures are shown at the pace they came in, while the model speaks of them."""
        if self._round is None or not self._pictures:
            return None
        return self._pictures[self._index(self._round, now_s)]

    def picture_s(self, now_s: float) -> float | None:
        """When that picture came on screen, on the video's clock."""
        shown = self._round
        return None if shown is None else shown.start_s + self._index(shown, now_s) * _step_s(shown)

    def _index(self, shown: RoundStarted, now_s: float) -> int:
        return min(int((now_s - self._round_at_s) / _step_s(shown)), shown.frames - 1)

    def frozen(self) -> "Channel":
        """As it is now, whatever comes."""
        return replace(self, phrases=deque(self.phrases, maxlen=HISTORY))


def _step_s(shown: RoundStarted) -> float:
    return (shown.end_s - shown.start_s) / shown.frames


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of several videos in one."""

    arrived: float | None
    looked_at: float | None
    lag_s: float | None  # the longest
    speed: float | None
    dropped: int
    tokens: float
    counts: list[int]  # of tokens, a second

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
