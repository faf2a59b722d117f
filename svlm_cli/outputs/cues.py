"""Segments -> readable cues, as they come. Knows one stream's words; knows no file and no format.

A phrase a second reads badly: words are gathered until a sentence ends, nobody speaks, or a cue is full, and then
split at the cheapest break. What is kept in memory is a cue's worth of words, and a word waits for at most about
``max_s + silence_s`` until its cue is final.
"""

import itertools
import math
import re
from collections.abc import Sequence

from svlm_cli.core.types import Cue, Segment
from svlm_cli.outputs.breaks import break_cost, ends_sentence
from svlm_cli.outputs.lines import break_into_lines, columns_together, longest_fit
from svlm_cli.outputs.schedule import Neighbours, Scheduler
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.words import Word, WordStream

_ARROW = re.compile("--+>")  # in a file of subtitles it would be a line of times

_PER_CUE = 3.0  # costs of a cue, in the unit of `break_cost`
_PER_BREAK = 2.0  # a break between cues counts for more than one between lines
_TOO_FAST = 60.0  # and
_PER_EXCESS = 15.0  # times the part by which it is too fast
_TOO_SHORT = 400.0
_LATE = 4.0  # of each second by which the words that follow would be late
_CUES_AHEAD = 3  # the furthest that parting words into cues looks
_LINES_AHEAD = 2  # of words seen before a full cue is parted from what follows


class CueBuilder:
    """Gathers the words of one stream and hands out its cues: sorted, without overlap, each final."""

    def __init__(self, style: CueStyle) -> None:
        self._style = style
        self._scheduler = Scheduler(style)
        self._word_stream = WordStream(style.max_line_width)
        self._waiting: list[Word] = []
        self._clock_ms: int | None = None  # the end of the last segment
        self._shown_until_ms: int | None = None

    def add(self, segment: Segment) -> list[Cue]:
        """The cues that are final now."""
        start_ms = math.ceil(segment.start_s * 1000 - 1e-6)
        end_ms = math.floor(segment.end_s * 1000 + 1e-6)
        cues: list[Cue] = []
        if self._clock_ms is not None:
            start_ms = max(start_ms, self._clock_ms)
            if segment.gap_s > 0 or start_ms - self._clock_ms >= self._style.bridge_s * 1000:
                cues += self._close(limit_ms=start_ms)
        end_ms = max(end_ms, start_ms + 1)

        last = self._waiting[-1] if self._waiting else None
        grown, words = self._word_stream.words(segment.text, start_ms, end_ms, last)
        if grown is not None:
            self._waiting[-1] = grown
        self._waiting += words
        self._clock_ms = end_ms
        if self._waiting and end_ms - self._waiting[-1].end_ms >= self._style.silence_s * 1000:
            return cues + self._close()
        while (count := self._ready()) is not None:
            cues.append(self._emit(count))
        return cues

    def finish(self) -> list[Cue]:
        """The last cues."""
        return self._close()

    def _close(self, limit_ms: int | None = None) -> list[Cue]:
        """All waiting words as cues, the last one final too."""
        cues = []
        while self._waiting:
            cues.append(self._emit(self._first_cue(open_end=False, limit_ms=limit_ms), limit_ms))
        return cues

    def _ready(self) -> int | None:
        """How many of the waiting words are a cue already; None while it may still grow."""
        words = self._waiting
        if not words:
            return None
        reach = self._reach(0)
        for count in range(1, min(reach + 1, len(words))):
            if ends_sentence(words[count - 1].text, words[count].text) and self._stands_alone(count):
                return count
        if reach < len(words) and self._sees_enough(reach):
            return self._first_cue(open_end=True)
        return None

    def _stands_alone(self, count: int) -> bool:
        """Whether the sentence at the start is long enough for a cue, can be read in time and is laid out well."""
        words = self._waiting[:count]
        if words[-1].end_ms - words[0].start_ms < self._style.sentence_s * 1000:
            return False
        cost, _ = self._cost(0, count, _break_costs(self._waiting[: count + 1]), self._shown_until_ms, None)
        return cost < _TOO_FAST

    def _sees_enough(self, reach: int) -> bool:
        """Whether enough is known of what follows the longest first cue to choose where to part the two."""
        waited_ms = self._waiting[-1].end_ms - self._waiting[0].start_ms
        if waited_ms > (self._style.max_s + self._style.silence_s) * 1000:
            return True
        return columns_together(self._waiting[reach:]) >= self._style.max_line_width * _LINES_AHEAD

    def _first_cue(self, *, open_end: bool, limit_ms: int | None = None) -> int:
        """How many words the first cue takes when all that wait are parted as well as can be.

        `open_end`: the last part is still to grow, so it is no cue yet and costs nothing by itself.
        """
        words = self._waiting
        horizon = 0
        for _ in range(_CUES_AHEAD):
            horizon = self._reach(horizon) if horizon < len(words) else horizon
        open_end = open_end or horizon < len(words)
        words = words[:horizon]
        costs = _break_costs(words)
        # best[k]: the first k words as cues: what they cost, until when they are shown, the length of the first
        best: list[tuple[float, int | None, int]] = [(math.inf, None, 0)] * (len(words) + 1)
        best[0] = (0.0, self._shown_until_ms, 0)
        for first in range(len(words)):
            cost_before, shown_until_ms, length = best[first]
            if cost_before >= best[-1][0]:
                continue
            for last in range(first + 1, min(self._reach(first), horizon) + 1):
                unfinished = open_end and last == len(words)
                if unfinished and first == 0:
                    continue
                if unfinished:
                    late_ms = max(0, (shown_until_ms or 0) - words[first].start_ms)
                    cost, end_ms = _LATE * late_ms / 1000, shown_until_ms
                else:
                    cost, end_ms = self._cost(first, last, costs, shown_until_ms, limit_ms)
                if cost_before + cost < best[last][0]:
                    best[last] = (cost_before + cost, end_ms, length or last)
        return best[-1][2]

    def _cost(
        self, first: int, last: int, costs: list[float], previous_end_ms: int | None, limit_ms: int | None
    ) -> tuple[float, int]:
        """What the cue of these words costs, and when it would end."""
        start_ms, end_ms = self._place(first, last, previous_end_ms, limit_ms)
        _, cost = break_into_lines(self._waiting[first:last], costs[first:last], self._style)
        cost += _PER_CUE + (costs[last] * _PER_BREAK if last < len(costs) else 0.0)
        excess = self._excess(first, last, end_ms - start_ms)
        if excess > 0:
            cost += _TOO_FAST + _PER_EXCESS * excess
        if end_ms - start_ms < self._style.min_s * 1000:
            cost += _TOO_SHORT
        return cost, end_ms

    def _reach(self, first: int) -> int:
        """The end of the longest cue that begins with this word; at least the next word."""
        end = longest_fit(self._waiting, first, self._style.max_line_width, self._style.max_lines)
        start_ms = self._waiting[first].start_ms
        while end > first + 1 and self._waiting[end - 1].end_ms - start_ms > self._style.max_s * 1000:
            end -= 1
        return end

    def _place(
        self, first: int, last: int, previous_end_ms: int | None, limit_ms: int | None = None
    ) -> tuple[int, int]:
        words = self._waiting[first:last]
        if last < len(self._waiting):
            following = self._waiting[last : self._reach(last)]
            around = Neighbours(previous_end_ms, following[0].start_ms, following[-1].end_ms)
        else:
            around = Neighbours(previous_end_ms, limit_ms=limit_ms)
        return self._scheduler.place(words, columns_together(words), around)

    def _excess(self, first: int, last: int, duration_ms: int) -> float:
        """By what part of the allowed speed these words are too fast; at most 0 if they are not."""
        columns_a_second = columns_together(self._waiting[first:last]) * 1000 / duration_ms
        return columns_a_second / self._style.max_cps - 1

    def _emit(self, count: int, limit_ms: int | None = None) -> Cue:
        start_ms, end_ms = self._place(0, count, self._shown_until_ms, limit_ms)
        text, _ = break_into_lines(self._waiting[:count], _break_costs(self._waiting[:count]), self._style)
        del self._waiting[:count]
        self._shown_until_ms = end_ms
        return Cue(start_ms / 1000, end_ms / 1000, _ARROW.sub("→", text))


def _break_costs(words: Sequence[Word]) -> list[float]:
    """What a break before each word costs."""
    pairs = itertools.pairwise(words)
    return [0.0] + [break_cost(left.text, right.text, spaced=right.spaced) for left, right in pairs]
