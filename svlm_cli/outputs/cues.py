"""Turns segments into readable cues as they arrive. Knows the words of one stream; knows no file and no format.

One phrase a second reads badly. So words are gathered until a sentence ends, there is silence, or a cue is full, and
then split at the cheapest break. Memory holds about one cue of words, and a word waits at most about
``max_s + silence_s`` until its cue is final.
"""

import itertools
import math
import re
from collections.abc import Sequence

from svlm_cli.core.types import Cue
from svlm_cli.outputs.breaks import break_cost, ends_sentence
from svlm_cli.outputs.lines import break_into_lines, columns_together, longest_fit
from svlm_cli.outputs.output import Round
from svlm_cli.outputs.schedule import Neighbours, Scheduler
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.words import Word, WordStream

_ARROW = re.compile("--+>")  # in a subtitle file it would look like a line of times

_PER_CUE = 3.0  # cost of a cue, in the unit of `break_cost`
_PER_BREAK = 2.0  # factor: a break between cues costs more than one between lines
_TOO_FAST = 60.0  # cost of a cue that cannot be read in time, plus
_PER_EXCESS = 15.0  # this times the excess of its reading speed
_TOO_SHORT = 400.0
_LATE = 4.0  # per second by which the following words would be late
_CUES_AHEAD = 3  # how many cues ahead the split is optimised
_LINES_AHEAD = 2  # lines of following words that must be known before a full cue is split off


class CueBuilder:
    """Gathers the words of one stream and returns its cues: in order, without overlap, each final.

    `shown_until_s` is the end of a cue that was written before.
    """

    def __init__(self, style: CueStyle, *, shown_until_s: float | None = None) -> None:
        self._style = style
        self._scheduler = Scheduler(style)
        self._word_stream = WordStream(style.max_line_width)
        self._waiting: list[Word] = []
        self._clock_ms: int | None = None  # the end of the last segment
        self._shown_until_ms = None if shown_until_s is None else round(shown_until_s * 1000)

    def add(self, segment: Round) -> list[Cue]:
        """Add a segment; return the cues that are now final."""
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
        """Return the last cues."""
        return self._close()

    def _close(self, limit_ms: int | None = None) -> list[Cue]:
        """Turn all waiting words into cues, including the last one."""
        cues = []
        while self._waiting:
            cues.append(self._emit(self._first_cue(open_end=False, limit_ms=limit_ms), limit_ms))
        return cues

    def _ready(self) -> int | None:
        """How many of the waiting words form a final cue; None while the cue may still grow."""
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
        """Whether the first sentence is long enough for a cue, can be read in time and breaks well into lines."""
        words = self._waiting[:count]
        if words[-1].end_ms - words[0].start_ms < self._style.sentence_s * 1000:
            return False
        cost, _ = self._cost(0, count, _break_costs(self._waiting[: count + 1]), self._shown_until_ms, None)
        return cost < _TOO_FAST

    def _sees_enough(self, reach: int) -> bool:
        """Whether enough words after the longest possible first cue are known to choose the split."""
        waited_ms = self._waiting[-1].end_ms - self._waiting[0].start_ms
        if waited_ms > (self._style.max_s + self._style.silence_s) * 1000:
            return True
        return columns_together(self._waiting[reach:]) >= self._style.max_line_width * _LINES_AHEAD

    def _first_cue(self, *, open_end: bool, limit_ms: int | None = None) -> int:
        """How many words the first cue takes in the cheapest split of all waiting words.

        `open_end`: the last part can still grow, so it is not a cue yet and has no cost of its own.
        """
        words = self._waiting
        horizon = 0
        for _ in range(_CUES_AHEAD):
            horizon = self._reach(horizon) if horizon < len(words) else horizon
        open_end = open_end or horizon < len(words)
        words = words[:horizon]
        costs = _break_costs(words)
        # best[k] for the first k words, split into cues: cost, display end of the last cue, words in the first cue
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
        """The cost of a cue of these words, and its end in ms."""
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
        """The end index of the longest cue that starts with this word; it holds at least that word."""
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
        """The relative excess over the allowed reading speed; at most 0 if the words can be read in time."""
        columns_a_second = columns_together(self._waiting[first:last]) * 1000 / duration_ms
        return columns_a_second / self._style.max_cps - 1

    def _emit(self, count: int, limit_ms: int | None = None) -> Cue:
        start_ms, end_ms = self._place(0, count, self._shown_until_ms, limit_ms)
        text, _ = break_into_lines(self._waiting[:count], _break_costs(self._waiting[:count]), self._style)
        del self._waiting[:count]
        self._shown_until_ms = end_ms
        return Cue(start_ms / 1000, end_ms / 1000, _ARROW.sub("→", text))


def _break_costs(words: Sequence[Word]) -> list[float]:
    """The cost of a break before each word."""
    pairs = itertools.pairwise(words)
    return [0.0] + [break_cost(left.text, right.text, spaced=right.spaced) for left, right in pairs]
