"""Pairs what should have been said with what was said, one to one, by key and time.

In two steps: first the most pairs within one second, then, from the rest, the most pairs within a wider window; among
equally many pairs, those with the smallest total delay. In a single step, something said in time could be paired with
an earlier item, for which it is late; and greedy matching of the nearest could leave two items with one pair, though
both have a word in time. Knows no words.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

IN_TIME_S: Final = 1.0
WINDOW_S: Final = 10.0  # beyond this, something else was meant

Moment = tuple[float, Hashable]
"""When something is said, in seconds, and what."""

Pair = tuple[int, int]
"""Indices of an item that should have been said, and of one that was."""

_ROUNDING_S: Final = 1e-6  # 10.3 - 10 is more than 0.3

_Value = tuple[int, float]
"""Number of pairs, and their negated total delay: larger is better."""


def pair_up(wanted: Sequence[Moment], said: Sequence[Moment]) -> list[Pair]:
    """One-to-one pairs of equal keys, with priority to those in time. Both sides may be in any order."""
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

    Uncrossing two pairs increases neither their longer distance nor the sum, so some optimum has no crossings, and
    dynamic programming over prefixes finds it: row i holds the best values for `wanted` up to i with each prefix of
    `said` that ends within its reach.
    """
    rows: list[tuple[int, list[_Value]]] = []  # per row: the shortest prefix, and the values
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
    """The best value of `wanted` up to i with a prefix of `said`; beyond a row's reach, values stay constant."""
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
