"""Cuts videos into windows, assigns words to seconds, and cuts the text before a window.

Pure functions of numbers and ids. Knows no tokenizer, no picture and no file.
"""

import math
from collections.abc import Callable, Iterable

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.eviction import cut_previous

Ids = tuple[int, ...]


def windows(seconds: int, *, length: int, overlap: int) -> tuple[range, ...]:
    """Windows of `length` seconds over `seconds` of video, each overlapping the one before by `overlap`.

    The last one may be shorter. Every second is covered, and no window lies inside another.
    """
    stride = length - overlap
    assert stride > 0, "windows move on"
    last = max(math.ceil((seconds - length) / stride), 0) * stride
    return tuple(range(start, min(start + length, seconds)) for start in range(0, last + 1, stride) if seconds)


def whole_windows(seconds: float, *, length: int, overlap: int) -> int:
    """The number of full-length windows."""
    return max(math.floor((seconds - overlap) / (length - overlap)), 0)


def second_of(end_s: float, start_s: float = 0.0) -> int:
    """The second, counted from `start_s`, of a word that ends at `end_s`: (second, second + 1]."""
    return math.ceil(end_s - start_s) - 1


def text_of(words: Iterable[str]) -> str:
    """A second's words as trained: each with a space before it; an empty string is silence."""
    return "".join(f" {word}" for word in words)


def previous_ids(context: Ids, said: Callable[[int], Ids], start: int, policy: WindowPolicy) -> Ids:
    """The text before a window: the context and all words in the seconds before `start`, cut.

    Equals the whole text, cut, but only calls `said` for seconds that are partly kept.
    """
    head, second = list(context), 0
    while len(head) < policy.sink_tokens and second < start:
        head += said(second)
        second += 1
    tail: list[Ids] = []
    length, last = 0, start
    while length < policy.window_tokens - 1 and last > second:  # until enough is collected
        last -= 1
        tail.append(said(last))
        length += len(tail[-1])
    whole = (*head, *(token for ids in reversed(tail) for token in ids))
    first, stop = cut_previous(len(whole), policy)
    return whole[:first] + whole[stop:]
