"""The engine of a worker: where it computes, with how many streams, as far as its memory goes."""

from pathlib import Path
from typing import Final

import torch

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.compute.device import free_bytes, resolve_device, resolve_dtype
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.messages import WorkerOrder

_MOST_STREAMS: Final = 64  # beyond these a GPU has all that it can do
_MOST_CAMERAS: Final = 256  # cameras, which leave it time for each other; load decides how many there are
_CPU_CAMERAS: Final = 8  # a core has no time for more
_FREE_SHARE: Final = 0.9  # of the memory that is free


def load_engine(order: WorkerOrder | CameraOrder, *, cores: int) -> Engine:
    """What the order asks for, on `cores` of this host where there is no GPU. Raises `ModelError` and `UsageError`."""
    model = order.model
    device = resolve_device(model.device)
    dtype = resolve_dtype(model.dtype, device)
    if device.type == "cpu":
        torch.set_num_threads(cores)
    checkpoint = resolve(model.model, revision=model.revision, offline=model.offline, quiet=True, adapter=model.adapter)

    def needed_bytes(streams: int) -> int:
        return Engine.footprint(checkpoint.folder, order.policy, device=device, dtype=dtype, max_streams=streams).total

    streams = order.streams or _fitting(order, device, needed_bytes(1), needed_bytes(2))
    return Engine.load(
        checkpoint.folder,
        order.policy,
        device=device,
        dtype=dtype,
        adapter=checkpoint.adapter,
        max_streams=streams,
        attention=AttentionKernel(model.attention),
        graphs=model.graphs,
    )


def bytes_on_cpu(folder: Path, policy: StreamPolicy, dtype: str) -> int:
    """What a checkpoint with one stream takes of a host's memory. Raises `ModelError`."""
    cpu = torch.device("cpu")
    return Engine.footprint(folder, policy, device=cpu, dtype=resolve_dtype(dtype, cpu)).total


def _fitting(order: WorkerOrder | CameraOrder, device: torch.device, one_bytes: int, two_bytes: int) -> int:
    """How many streams fit beside the weights.

    On a CPU one file: there a batch is no faster than one after the other. Cameras leave a core time for each other.
    """
    live = isinstance(order, CameraOrder)
    items = order.cameras if isinstance(order, CameraOrder) else order.items
    free = free_bytes(device)
    if device.type == "cpu" or free is None:
        return min(items, _CPU_CAMERAS) if live else 1
    more = int(free * _FREE_SHARE - one_bytes) // max(two_bytes - one_bytes, 1)
    return max(min(1 + more, items, _MOST_CAMERAS if live else _MOST_STREAMS), 1)
