"""The processes of a run, its ranks, and how they exchange messages.

The thread that prepares data may not use the training's process group, whose collectives must stay in order. So it has
a group of its own, on the CPU. Knows no data, no network and no loop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from svlm_cli.core import launched

_T = TypeVar("_T")
_PATIENCE = timedelta(hours=12)  # for a rank that reads slowly; a dead one is noticed at once


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process of the run."""

    rank: int = 0
    count: int = 1
    group: Any = None  # dist.ProcessGroup, on the CPU
    meeting: Any = None  # another one, for the training thread

    @property
    def first(self) -> bool:
        """Whether this rank prints and writes files."""
        return self.rank == 0

    def gather(self, own: _T) -> list[_T]:
        """The values of all ranks, in order. Every rank must call it, from one thread at a time."""
        if self.count == 1:
            return [own]
        every: list[Any] = [None] * self.count
        dist.all_gather_object(every, own, group=self.group)
        return every

    def wait(self) -> None:
        """Wait for all ranks."""
        self.gather(None)

    def meet(self) -> None:
        """Wait for all ranks, however long the first one writes; for the training thread."""
        if self.count > 1:
            dist.all_gather_object([None] * self.count, None, group=self.meeting)

    def add_up(self, value: Tensor) -> Tensor:
        """The sum over all ranks. Uses the training's group, so only for the training thread."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def largest(self, value: Tensor) -> Tensor:
        """The maximum over all ranks, as `add_up`."""
        if self.count > 1:
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return value


ALONE = Ranks()


def own_device(device: torch.device) -> torch.device:
    """The GPU of this rank on its machine, or the CPU."""
    several = launched.processes() > 1 and device.type == "cuda"
    return torch.device("cuda", launched.local_rank()) if several else device


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the other processes that the launcher has started. After an error, does not wait for them to leave."""
    if launched.processes() == 1:
        yield ALONE
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl")
    else:
        dist.init_process_group("gloo")
    group, meeting = (dist.new_group(backend="gloo", timeout=_PATIENCE) for _ in range(2))
    yield Ranks(dist.get_rank(), dist.get_world_size(), group, meeting)
    dist.destroy_process_group()
