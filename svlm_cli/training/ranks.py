"""The processes of a run, its ranks: which of them this is, and how they tell one another something.

Ranks that prepare data may not speak through the group in which the training speaks: the order of its messages is the
training's own. So they have a group of their own, on the CPU, in which the steps follow one another. Knows no data,
no network and no loop.
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
_PATIENCE = timedelta(hours=12)  # with a rank that reads slowly; one that has died is noticed at once


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process among those of the run."""

    rank: int = 0
    count: int = 1
    group: Any = None  # dist.ProcessGroup, on the CPU
    meeting: Any = None  # another one, for the thread that trains

    @property
    def first(self) -> bool:
        """Whether it is the one that speaks and writes."""
        return self.rank == 0

    def gather(self, own: _T) -> list[_T]:
        """What each rank has, in order. Every rank has to call it, and one thread of each at a time."""
        if self.count == 1:
            return [own]
        every: list[Any] = [None] * self.count
        dist.all_gather_object(every, own, group=self.group)
        return every

    def wait(self) -> None:
        """Until all are here."""
        self.gather(None)

    def meet(self) -> None:
        """Until all are here, however long the first one writes; it is for the thread that trains."""
        if self.count > 1:
            dist.all_gather_object([None] * self.count, None, group=self.meeting)

    def add_up(self, value: Tensor) -> Tensor:
        """The sum over all ranks. Speaks in the group of the training, so it is for the thread that trains."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def largest(self, value: Tensor) -> Tensor:
        """The largest over all ranks, as `add_up`."""
        if self.count > 1:
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return value


ALONE = Ranks()


def own_device(device: torch.device) -> torch.device:
    """The GPU of this rank among those of its machine, or the CPU."""
    several = launched.processes() > 1 and device.type == "cuda"
    return torch.device("cuda", launched.local_rank()) if several else device


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Meets the other processes that the launcher has started. After an error it does not wait for them to leave."""
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
