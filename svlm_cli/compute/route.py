"""The order in which tokens move within their slots, so that none is overwritten before it is read.

Knows no key and no kernel.
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
    """Consecutive rows that move together, the first of them from `source` to `target`."""

    source: int
    target: int
    rows: int


@dataclass(frozen=True, slots=True)
class Route:
    """Most runs slide towards the front, one after the other; a few rows jump over others, and are copied twice.

    `rows` ``[N, 4]`` int32 has, slot after slot, first the single rows that jump, then the runs that slide. Each entry
    is: source, target, index of the first row among all moving rows, number of rows. `bounds` ``[2 * slots + 1]`` int32
    says where in `rows` the jumps and the slides of each slot begin, and ends with N, so that slots can be worked on in
    parallel. An entry has four numbers because kernels are compiled again for addresses not aligned to 16 bytes.
    """

    rows: Tensor
    bounds: Tensor

    @property
    def slots(self) -> int:
        """The number of slots."""
        return len(self.bounds) // 2

    @classmethod
    def of(cls, slots: Sequence[Sequence[CopyRange]], device: torch.device) -> "Route":
        """From the runs of each slot."""
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
    """Which runs may move in order, row by row, in place: those that do not move backwards.

    Targets follow each other, so what one of them writes ends where the next one's target begins, which is not behind
    its source. The others are set aside first.
    """
    return [run.target <= run.source for run in runs]
