"""The workers of a call in a cluster: as many as its hosts and its items make sense of. Imports Ray only when asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.messages import ModelOrder, WorkerOrder
from svlm_cli.fleet.ray_cluster import LOCAL, nodes
from svlm_cli.fleet.shares import Node, WorkerShare, shares, spread

JOINING_S: Final = 120.0  # so long a cluster may be without any host that can work


@contextmanager
def crew_at(address: str, order: WorkerOrder, folder: Path) -> Iterator[Crew]:
    """Workers in the cluster at `address`, to which this process is connected. The checkpoint is in `folder` here."""
    from svlm_cli.fleet.ray_crew import RayCrew

    hopes_s = 0.0 if address == LOCAL else JOINING_S
    shares_of = partial(worker_shares, order.model, order.policy, folder, order.items)
    with RayCrew(order, nodes, shares_of, hopes_s=hopes_s) as crew:
        yield crew


def has_gpus(found: list[Node], device: str) -> bool:
    """Whether workers get GPUs, where `--device` says so."""
    return device != "cpu" and any(node.gpus for node in found)


def dtype_in(found: list[Node], device: str, dtype: str) -> str:
    """What `--dtype auto` means for workers on these hosts."""
    if dtype != "auto":
        return dtype
    return "bfloat16" if has_gpus(found, device) else "float32"


def worker_shares(
    model: ModelOrder, policy: StreamPolicy, folder: Path, items: int, found: list[Node]
) -> list[WorkerShare]:
    """Who works on these hosts: no more workers than there are items. The checkpoint is in `folder` here."""
    needed_bytes = 0
    if not has_gpus(found, model.device):
        from svlm_cli.fleet.loading import bytes_on_cpu

        needed_bytes = bytes_on_cpu(folder, policy, model.dtype)
    return spread(shares(found, needed_bytes, cpu=model.device == "cpu"), items)
