"""Which seconds make a window, which words belong to a second, and what stands in front of a window.

Pure: numbers and ids in, numbers and ids out. Knows no tokenizer, no picture and no file.
"""

import math
from collections.abc import Callable, Iterable

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.eviction import cut_previous

Ids = tuple[int, ...]


def windows(seconds: int, *, length: int, overlap: int) -> tuple[range, ...]:
    """Windows of `length` seconds over `seconds` of video, each sharing `overlap` with the one before.

    The last one is shorter where they do not come out even. Every second is in one, none lies in another.
    """
    stride = length - overlap
    assert stride > 0, "windows move on"
    last = max(math.ceil((seconds - length) / stride), 0) * stride
    return tuple(range(start, min(start + length, seconds)) for start in range(0, last + 1, stride) if seconds)


def whole_windows(seconds: float, *, length: int, overlap: int) -> int:
    """How many windows of full length there are."""
    return max(math.floor((seconds - overlap) / (length - overlap)), 0)


def second_of(end_s: float, start_s: float = 0.0) -> int:
    """The second of a video from `start_s` on to which a word that ends at `end_s` belongs: (second, second + 1]."""
    return math.ceil(end_s - start_s) - 1


def text_of(words: Iterable[str]) -> str:
    """A second's words as they are trained: each with a space before it; none is silence."""
    return "".join(f" {word}" for word in words)


def previous_ids(context: Ids, said: Callable[[int], Ids], start: int, policy: WindowPolicy) -> Ids:
    """The text in front of a window: the context and all that was said in the seconds before `start`, cut.

    Equals the whole text, cut; `said` is only asked for the seconds of which something is left.
    """
    head, second = list(context), 0
    while len(head) < policy.sink_tokens and second < start:
        head += said(second)
        second += 1
    tail: list[Ids] = []
    length, last = 0, start
    while length < policy.window_tokens - 1 and last > second:  # as many as stay
        last -= 1
        tail.append(said(last))
        length += len(tail[-1])
    whole = (*head, *(token for ids in reversed(tail) for token in ids))
    first, stop = cut_previous(len(whole), policy)
    return whole[:first] + whole[stop:]
