"""Numbers over time -> states with a duration. Knows neither their meaning nor the length of a tick."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def held(values: NDArray[np.float64], high: float, low: float) -> NDArray[np.bool_]:
    """Hysteresis: on when the values reach `high`, off when they fall below `low`."""
    state = np.where(values >= high, 1, np.where(values < low, 0, -1))
    known = np.flatnonzero(state >= 0)
    if not len(known):
        return np.zeros(len(values), np.bool_)
    newest = np.maximum.accumulate(np.where(state >= 0, np.arange(len(values)), -1))
    return np.asarray(np.where(newest >= 0, state[newest], 0) == 1)


def spans(labels: Sequence[str] | NDArray[np.str_], shortest: int) -> list[tuple[int, int, str]]:
    """(from, to, label) of stretches with one label; those shorter than `shortest` join the longer neighbour."""
    names = np.asarray(labels)
    if not len(names):
        return []
    borders = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    found = [(begin, end, str(names[begin])) for begin, end in pairwise(borders)]
    while len(found) > 1:
        at = min(range(len(found)), key=lambda number: found[number][1] - found[number][0])
        begin, end, _ = found[at]
        if end - begin >= shortest:
            break
        sides = [side for side in (at - 1, at + 1) if 0 <= side < len(found)]
        longer = max(sides, key=lambda number: found[number][1] - found[number][0])
        found[at] = (begin, end, found[longer][2])
        found = _joined(found)
    return found


def _joined(found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined = found[:1]
    for begin, end, label in found[1:]:
        if label == joined[-1][2]:
            joined[-1] = (joined[-1][0], end, label)
        else:
            joined.append((begin, end, label))
    return joined


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(from, to) of the stretches that are on."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))
