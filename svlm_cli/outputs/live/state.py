"""What the live view knows of each video: its state, its newest pictures, its words, its numbers.

Plain data, told what happens and when. Knows no screen.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Chunk, Picture, Segment, TokenEvent
from svlm_cli.outputs.live.meters import Minute, Rate
from svlm_cli.outputs.progress import Condition

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
    _chunk: Chunk | None = None
    _chunk_at_s: float = 0.0
    _raw: str = ""

    def look(self, chunk: Chunk, now_s: float) -> None:
        """The model gets these pictures now."""
        self._chunk, self._chunk_at_s, self._raw = chunk, now_s, ""
        if self.begun_s is None or self._first_s is None:
            self.begun_s, self._first_s = now_s, chunk.start_s
        if chunk.gap_s:
            self._add(chunk.start_s, f"({chunk.gap_s:.0f} s without a picture)")
        self.dropped += chunk.dropped
        self.arrived.add(len(chunk.frames) + chunk.dropped, now_s)
        self.looked_at.add(len(chunk.frames), now_s)

    def speak(self, event: TokenEvent, now_s: float) -> None:
        """A token of the round that is being said."""
        self._raw = (self._raw + event.text)[-_MOST_WORDS:]
        self.tokens.add(1, now_s)

    def hear(self, segment: Segment, now_s: float) -> None:
        """The round is over."""
        self._raw = ""
        self.position_s, self.lag_s = segment.end_s, segment.latency_s
        if self.begun_s is not None and self._first_s is not None and now_s > self.begun_s:
            self.speed = (segment.end_s - self._first_s) / (now_s - self.begun_s)
        if words := " ".join(plain_text(segment.text).split()):
            self._add(segment.start_s, words)

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
        if self._chunk is None or not words:
            return None
        return Phrase(self.spoken, self._chunk.start_s, words)

    def picture(self, now_s: float) -> Picture | None:
        """The one to show: a second's pictures are shown at the pace they came in, while the model speaks of them."""
        return None if self._chunk is None else self._chunk.frames[self._index(self._chunk, now_s)]

    def picture_s(self, now_s: float) -> float | None:
        """When that picture came on screen, on the video's clock."""
        chunk = self._chunk
        return None if chunk is None else chunk.start_s + self._index(chunk, now_s) * _step_s(chunk)

    def _index(self, chunk: Chunk, now_s: float) -> int:
        return min(int((now_s - self._chunk_at_s) / _step_s(chunk)), len(chunk.frames) - 1)

    def frozen(self) -> "Channel":
        """As it is now, whatever comes."""
        return replace(self, phrases=deque(self.phrases, maxlen=HISTORY))


def _step_s(chunk: Chunk) -> float:
    return (chunk.end_s - chunk.start_s) / len(chunk.frames)


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
