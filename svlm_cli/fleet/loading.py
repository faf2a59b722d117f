"""Loads a worker's engine: on which device, and with how many streams its memory allows."""

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

_MOST_STREAMS: Final = 64  # more do not make a GPU faster
_MOST_CAMERAS: Final = 256  # they wait for their next second most of the time; the load decides how many there are
_CPU_CAMERAS: Final = 8  # per core
_FREE_SHARE: Final = 0.9  # of the free memory


def load_engine(order: WorkerOrder | CameraOrder, *, cores: int) -> Engine:
    """The engine of `order`; without a GPU, it uses `cores` cores. Raises `ModelError` and `UsageError`."""
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
    """The memory that a checkpoint with one stream needs on a CPU. Raises `ModelError`."""
    cpu = torch.device("cpu")
    return Engine.footprint(folder, policy, device=cpu, dtype=resolve_dtype(dtype, cpu)).total


def _fitting(order: WorkerOrder | CameraOrder, device: torch.device, one_bytes: int, two_bytes: int) -> int:
    """How many streams fit beside the weights.

    One file on a CPU, where a batch is no faster than single streams; several cameras, which are not always busy.
    """
    live = isinstance(order, CameraOrder)
    items = order.cameras if isinstance(order, CameraOrder) else order.items
    free = free_bytes(device)
    if device.type == "cpu" or free is None:
        return min(items, _CPU_CAMERAS) if live else 1
    more = int(free * _FREE_SHARE - one_bytes) // max(two_bytes - one_bytes, 1)
    return max(min(1 + more, items, _MOST_CAMERAS if live else _MOST_STREAMS), 1)
