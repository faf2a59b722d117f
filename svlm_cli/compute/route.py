"""How tokens move within their slots, without one being overwritten before it is read.

Pure but for the upload. Knows no key and no kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute.device import upload


class Run(NamedTuple):
    """Rows that move together, the first one from `source` to `target`."""

    source: int
    target: int
    rows: int


@dataclass(frozen=True, slots=True)
class Route:
    """Rows that slide towards the front, in order, and the few that jump over others.

    `rows` ``[N, 4]`` are, slot after slot, first the rows that jump and then the runs that slide: where the first row
    is, where it goes, which of all the moving rows it is, and how many there are. Slots can be worked on side by side:
    `bounds` ``[2 * slots + 1]`` are where jumping and sliding begin in each of them, and N. Both are int32, and rows
    lie four numbers apart: kernels are compiled anew for addresses that are not of whole 16 bytes.
    """

    rows: Tensor
    bounds: Tensor

    @property
    def slots(self) -> int:
        """In how many slots rows move."""
        return len(self.bounds) // 2

    @classmethod
    def of(cls, slots: Sequence[Sequence[Run]], device: torch.device) -> "Route":
        """Of runs in several slots."""
        table: list[tuple[int, int, int, int]] = []
        bounds = [0]
        first = 0  # the run's, of all moving rows
        for runs in slots:
            sliding = []
            for run, slides in zip(runs, _sliding(runs), strict=True):
                if slides:
                    sliding.append((run.source, run.target, first, run.rows))
                else:
                    table += [(run.source + row, run.target + row, first + row, 1) for row in range(run.rows)]
                first += run.rows
            bounds.append(len(table))
            table += sliding
            bounds.append(len(table))
        both = upload(np.array([*chain.from_iterable(table), *bounds], np.int32), device)
        return cls(both[: 4 * len(table)].view(-1, 4), both[4 * len(table) :])


def _sliding(runs: Sequence[Run]) -> list[bool]:
    """Which runs may move one after the other, row by row.

    Those that do not move backwards, and that come before every later one already: then none of their rows goes where
    a later one still is.
    """
    found = []
    later: float = inf
    for run in reversed(runs):
        found.append(run.target <= run.source and run.source + run.rows <= later)
        later = min(later, run.source)
    return found[::-1]
