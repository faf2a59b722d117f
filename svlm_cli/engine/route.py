"""How tokens move within their slots, without one being overwritten before it is read.

Pure but for the upload. Knows no key and no kernel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from svlm_cli.engine.device import upload

_ALIGNED = 4  # numbers of 4 bytes: kernels are compiled anew for addresses of another alignment


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
    worked on side by side: `bounds` ``[slots + 1]`` are their first runs, and the number of all. All are int32.
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
        jumping: list[tuple[int, int, int]] = []
        sliding: list[tuple[int, int, int, int]] = []
        bounds = [0]
        first = 0  # the run's, of all moving rows
        for runs in slots:
            for run, slides in zip(runs, _sliding(runs), strict=True):
                if slides:
                    sliding.append((run.source, run.target, first, run.rows))
                else:
                    jumping += ((run.source + row, run.target + row, first + row) for row in range(run.rows))
                first += run.rows
            bounds.append(len(sliding))
        parts = [
            np.array(jumping, np.int32).reshape(-1, 3),
            np.array(sliding, np.int32).reshape(-1, 4),
            np.array(bounds, np.int32),
        ]
        starts = [0]
        for part in parts:
            starts.append(starts[-1] + -(-part.size // _ALIGNED) * _ALIGNED)
        table = np.zeros(starts[-1], np.int32)
        for start, part in zip(starts, parts, strict=False):
            table[start : start + part.size] = part.ravel()
        there = upload(table, device)
        views = [there[start : start + part.size].view(part.shape) for start, part in zip(starts, parts, strict=False)]
        return cls(*views)


def _sliding(runs: Sequence[Run]) -> list[bool]:
    """Which runs may move one after the other, row by row.

    Those that do not move backwards, and that come before every later one already: then none of their rows goes where
    a later one still is.
    """

    def from_behind() -> Iterator[bool]:
        later: float = float("inf")
        for run in reversed(runs):
            yield run.target <= run.source and run.source + run.rows <= later
            later = min(later, run.source)

    return [*from_behind()][::-1]
