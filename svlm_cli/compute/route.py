"""Orders the moves of tokens within their slots so that none is overwritten before it is read.

Knows no keys and no kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute.device import upload


class CopyRange(NamedTuple):
    """Consecutive rows that move together; the first goes from `source` to `target`."""

    source: int
    target: int
    rows: int


@dataclass(frozen=True, slots=True)
class Route:
    """Most runs slide towards the front, in order; the few rows that jump over others are staged, so copied twice.

    `rows` ``[N, 4]`` int32 lists, slot by slot, first the single rows that jump, then the runs that slide. An entry is:
    source, target, index of the first row among all moving rows, number of rows. `bounds` ``[2 * slots + 1]`` int32
    says where in `rows` the jumps and the slides of each slot begin, and ends with N, so that slots can be processed in
    parallel. Entries have four numbers because Triton recompiles kernels for addresses not aligned to 16 bytes.
    """

    rows: Tensor
    bounds: Tensor

    @property
    def slots(self) -> int:
        """The number of slots."""
        return len(self.bounds) // 2

    @classmethod
    def of(cls, slots: Sequence[Sequence[CopyRange]], device: torch.device) -> "Route":
        """Build it from the runs of each slot."""
        table: list[tuple[int, int, int, int]] = []
        bounds = [0]
        first = 0  # index of the run's first row among all moving rows
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


def _sliding(runs: Sequence[CopyRange]) -> list[bool]:
    """Which runs can move in place, in order, row by row: those that do not move backwards.

    Targets are consecutive, so a write ends where the target of the next run begins, which is not after that run's
    source. The other runs are staged first.
    """
    return [run.target <= run.source for run in runs]
