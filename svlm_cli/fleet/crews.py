"""The workers of a call in a cluster: as many as its hosts and its items make sense of. Imports Ray only when asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.messages import WorkerOrder
from svlm_cli.fleet.ray_cluster import LOCAL, nodes
from svlm_cli.fleet.shares import Node, WorkerShare, shares, spread

_JOINING_S: Final = 120.0  # so long a cluster may be without any host that can work


@contextmanager
def crew_at(address: str, order: WorkerOrder, folder: Path) -> Iterator[Crew]:
    """Workers in the cluster at `address`, to which this process is connected. The checkpoint is in `folder` here."""
    from svlm_cli.fleet.ray_crew import RayCrew

    hopes_s = 0.0 if address == LOCAL else _JOINING_S
    with RayCrew(order, nodes, partial(_shares, order, folder), hopes_s=hopes_s) as crew:
        yield crew


def has_gpus(found: list[Node], device: str) -> bool:
    """Whether workers get GPUs, where `--device` says so."""
    return device != "cpu" and any(node.gpus for node in found)


def dtype_in(found: list[Node], device: str, dtype: str) -> str:
    """What `--dtype auto` means for workers on these hosts."""
    if dtype != "auto":
        return dtype
    return "bfloat16" if has_gpus(found, device) else "float32"


def _shares(order: WorkerOrder, folder: Path, found: list[Node]) -> list[WorkerShare]:
    """No more workers than there are items."""
    needed_bytes = 0
    if not has_gpus(found, order.model.device):
        from svlm_cli.fleet.loading import bytes_on_cpu

        needed_bytes = bytes_on_cpu(folder, order.policy, order.model.dtype)
    return spread(shares(found, needed_bytes, cpu=order.model.device == "cpu"), order.items)
