"""Eviction: which tokens of a stream are kept, and in what order, before a round is appended.

Pure: spans and a policy in, spans and indices out. Knows no tensor, no key and no position.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.prompt import Part, Span, count_ids


@dataclass(frozen=True, slots=True)
class Eviction:
    """The sequence after eviction: the tokens of the old `stretches`, concatenated."""

    spans: tuple[Span, ...]
    stretches: tuple[range, ...]

    @property
    def count(self) -> int:
        """The number of tokens kept."""
        return sum(map(len, self.stretches))

    @property
    def order(self) -> NDArray[np.int64]:
        """Token i was at ``order[i]`` before."""
        parts = [np.arange(one.start, one.stop) for one in self.stretches]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


class _Piece(NamedTuple):
    """A kept span, and the old index of its first token."""

    span: Span
    start: int

    def cut(self, start: int, stop: int) -> "_Piece":
        return _Piece(self.span.cut(start, stop), self.start + start)


MovingWords = Callable[[tuple[int, ...]], tuple[int, ...]]
"""A round's words -> the leading part of them that moves to the previous text (see `prompt.spoken`)."""

_MARKUP_OF_WORDS = (Part.TIME, Part.ASSISTANT_HEAD, Part.WORDS, Part.ASSISTANT_TAIL)


def cut_previous(length: int, windows: WindowPolicy) -> tuple[int, int]:
    """The half-open range `[start, stop)` of the previous text's `length` ids that is removed.

    In the published code's terms, with the indices counted from P's first id instead of its `<|im_start|>`: the
    closed interval `[sink, length - window]`, but never P's `<|im_end|>`.
    """
    start, stop = windows.sink_tokens, min(length - windows.window_tokens + 1, length)
    return (start, stop) if start < stop else (length, length)


def evict(
    spans: Sequence[Span], next_round: int, windows: WindowPolicy, moving_words: MovingWords, *, coming: int = 0
) -> Eviction:
    """The part of `spans` that is kept before round `next_round`, with `coming` visual tokens, is appended.

    Words of rounds that leave the text window move to the end of the previous text, which is then cut to its sink and
    its window. Pixels leave with the vision window, or earlier, the oldest first, if there are too many visual tokens.
    A round that has neither words nor pixels left is dropped.
    """
    oldest_seen, oldest_read = _oldest_seen(spans, next_round, windows, coming), next_round - windows.text_rounds + 1
    whole = bisect_left(spans, max(oldest_seen, oldest_read, 0), key=lambda span: span.round)  # all kept from there on
    opening: list[_Piece] = []
    previous: list[_Piece] = []
    moved: list[_Piece] = []
    tail: list[_Piece] = []
    rounds: list[_Piece] = []
    offset = 0
    for span in spans[:whole]:
        piece = _Piece(span, offset)
        offset += len(span.ids)
        if span.round < 0:
            {Part.PREVIOUS: previous, Part.PREVIOUS_TAIL: tail}.get(span.part, opening).append(piece)
            continue
        in_text, in_vision = span.round >= oldest_read, span.round >= oldest_seen
        if span.part is Part.WORDS and not in_text:
            moved.append(piece.cut(0, len(moving_words(span.ids))))
        elif span.part is Part.VISION:
            if in_vision:
                rounds.append(piece)
        elif in_text or (in_vision and span.part not in _MARKUP_OF_WORDS):
            rounds.append(piece)
    kept_previous = _cut(previous + moved, windows)
    pieces = [*opening, *kept_previous, *tail, *rounds]
    joined = Span(Part.PREVIOUS, tuple(chain.from_iterable(piece.span.ids for piece in kept_previous)))
    before, behind = ([piece.span for piece in part] for part in (opening, (*tail, *rounds)))
    stretches = [range(piece.start, piece.start + len(piece.span.ids)) for piece in pieces]
    stretches.append(range(offset, offset + count_ids(spans[whole:])))
    return Eviction((*before, joined, *behind, *spans[whole:]), _joined(stretches))


def _oldest_seen(spans: Sequence[Span], next_round: int, windows: WindowPolicy, coming: int) -> int:
    """The first round whose pixels are kept."""
    oldest = next_round - windows.vision_rounds + 1
    if not windows.vision_tokens:
        return oldest
    seen = coming
    for span in reversed(spans):
        seen += span.visual_tokens
        if seen > windows.vision_tokens and span.grid is not None:
            return max(oldest, span.round + 1)
    return oldest


def _joined(stretches: Sequence[range]) -> tuple[range, ...]:
    """The stretches, with adjacent ones merged."""
    found: list[range] = []
    for one in stretches:
        if found and one.start == found[-1].stop:
            found[-1] = range(found[-1].start, one.stop)
        elif one:
            found.append(one)
    return tuple(found)


def _cut(previous: Sequence[_Piece], windows: WindowPolicy) -> list[_Piece]:
    """The pieces of the previous text without the range that `cut_previous` names."""
    start, stop = cut_previous(sum(len(piece.span) for piece in previous), windows)
    kept = []
    offset = 0
    for piece in previous:
        length = len(piece.span)
        kept.append(piece.cut(0, max(min(start - offset, length), 0)))
        kept.append(piece.cut(max(min(stop - offset, length), 0), length))
        offset += length
    return kept
