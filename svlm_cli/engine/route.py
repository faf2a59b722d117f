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

from svlm_cli.engine.device import upload


class Run(NamedTuple):
    """Rows that move together, the first one from `source` to `target`."""

    source: int
    target: int
    rows: int


@dataclass(frozen=True, slots=True)
class Route:
    """Rows that slide towards the front, in order, and the few that jump over others.

    `jumping` ``[jumps, 3]`` are where a row is, where it goes, and which of all the moving rows it is; `sliding`
    ``[runs, 4]`` the same of the first row of a run, and how many rows it has. The `slots` that rows slide in can be
    worked on side by side: `bounds` ``[slots + 1]`` are their first runs, and the number of all. All are int32, and
    rows lie four numbers apart: kernels are compiled anew for addresses that are not of whole 16 bytes.
    """

    jumping: Tensor
    sliding: Tensor
    bounds: Tensor

    @property
    def jumps(self) -> int:
        """How many rows jump."""
        return len(self.jumping)

    @property
    def runs(self) -> int:
        """How many runs slide."""
        return len(self.sliding)

    @property
    def slots(self) -> int:
        """In how many slots rows move."""
        return len(self.bounds) - 1

    @classmethod
    def of(cls, slots: Sequence[Sequence[Run]], device: torch.device) -> "Route":
        """Of runs in several slots."""
        jumping: list[tuple[int, int, int, int]] = []
        sliding: list[tuple[int, int, int, int]] = []
        bounds = [0]
        first = 0  # the run's, of all moving rows
        for runs in slots:
            for run, slides in zip(runs, _sliding(runs), strict=True):
                if slides:
                    sliding.append((run.source, run.target, first, run.rows))
                else:
                    jumping += ((run.source + row, run.target + row, first + row, 1) for row in range(run.rows))
                first += run.rows
            bounds.append(len(sliding))
        table = upload(np.array([*chain.from_iterable(jumping + sliding), *bounds], np.int32), device)
        rows = table[: -len(bounds)].view(-1, 4)
        return cls(rows[: len(jumping), :3], rows[len(jumping) :], table[-len(bounds) :])


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
