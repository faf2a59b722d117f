"""What was to be said and what was said, paired one to one by key and time, however late.

Two steps. First what is in time: the most pairs within a second. Then, of what is left, the most pairs within a wider
window. Of as many pairs, those with the least delay in total. In one step, what is said in time could be spent on an
earlier thing, for which it is late; and if the nearest were simply taken first, two things could be left with one pair
where both have a word in time. Knows no words.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

IN_TIME_S: Final = 1.0
WINDOW_S: Final = 10.0  # what is further away was not meant

Moment = tuple[float, Hashable]
"""When something is said, in seconds, and what."""

Pair = tuple[int, int]
"""Indices of one thing that was to be said and of the one that was."""

_ROUNDING_S: Final = 1e-6  # 10.3 - 10 is more than 0.3

_Value = tuple[int, float]
"""Pairs, and their delay in total, negative: the larger the better."""


def pair_up(wanted: Sequence[Moment], said: Sequence[Moment]) -> list[Pair]:
    """One-to-one pairs of equal keys, those in time before all others. Both sides may be in any order."""
    in_time = list(_closest(wanted, said, range(len(wanted)), range(len(said)), IN_TIME_S))
    ours, theirs = ({pair[side] for pair in in_time} for side in (0, 1))
    left = (
        [one for one in range(len(wanted)) if one not in ours],
        [one for one in range(len(said)) if one not in theirs],
    )
    return in_time + list(_closest(wanted, said, *left, WINDOW_S))


def _closest(
    wanted: Sequence[Moment], said: Sequence[Moment], ours: Iterable[int], theirs: Iterable[int], within_s: float
) -> Iterator[Pair]:
    by_key: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, (moments, indices) in enumerate(((wanted, ours), (said, theirs))):
        for index in sorted(indices, key=lambda one, moments=moments: moments[one][0]):  # type: ignore[misc]
            by_key[moments[index][1]][side].append(index)
    for first, second in by_key.values():
        times = [wanted[index][0] for index in first], [said[index][0] for index in second]
        yield from ((first[i], second[j]) for i, j in _align(*times, within_s + _ROUNDING_S))


def _align(wanted: Sequence[float], said: Sequence[float], within_s: float) -> Iterator[Pair]:
    """The best pairs of two sorted lists of times.

    Uncrossing two pairs makes none longer than the longer one was, nor their sum, so the best pairs need not cross, and
    a table of prefixes finds them: row i holds the best of `wanted` up to i with each prefix of `said` that ends in
    reach of it.
    """
    rows: list[tuple[int, list[_Value]]] = []  # the length of the shortest prefix in the row, and the values
    for i, time_s in enumerate(wanted):
        first = bisect_left(said, time_s - within_s)
        row = [_value(rows, i - 1, first)]
        for length in range(first + 1, bisect_right(said, time_s + within_s) + 1):
            pairs, total = _value(rows, i - 1, length - 1)
            paired = pairs + 1, total - abs(said[length - 1] - time_s)
            row.append(max(_value(rows, i - 1, length), row[-1], paired))
        rows.append((first, row))
    yield from _traced(rows, len(said))


def _value(rows: Sequence[tuple[int, list[_Value]]], i: int, length: int) -> _Value:
    """Of `wanted` up to i with a prefix of `said`; what is beyond a row's reach adds nothing."""
    if i < 0:
        return 0, 0.0
    first, row = rows[i]
    return row[min(length - first, len(row) - 1)]


def _traced(rows: Sequence[tuple[int, list[_Value]]], length: int) -> Iterator[Pair]:
    i = len(rows) - 1
    while i >= 0:
        first, row = rows[i]
        length = min(length, first + len(row) - 1)
        value = row[length - first]
        if value == _value(rows, i - 1, length):
            i -= 1
        elif value == row[length - first - 1]:
            length -= 1
        else:
            i, length = i - 1, length - 1
            yield i + 1, length
