"""How the hardware of a fleet is divided among workers: one per GPU or, without GPUs, one per core.

A small model is not faster on two cores, and two streams on one core are not faster than one after another. So each
core gets a worker, if there is enough memory for all; otherwise, fewer workers share the cores. Pure. Knows no Ray.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_MEMORY_SHARE: Final = 0.8  # of a host's memory, for workers
_PROCESS_BYTES: Final = 1 << 30  # per worker, for Python, torch and frames, in addition to the model


@dataclass(frozen=True, slots=True)
class Node:
    """A host and its hardware."""

    name: str
    gpus: int
    cores: int
    memory_bytes: int
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """One worker's part of its host: a GPU, or some cores. `index` counts the shares of a host."""

    node: str
    index: int
    gpu: bool
    cores: int

    @property
    def name(self) -> str:
        """The worker's name."""
        return f"{self.node[:8]}-{self.index}"


def shares(nodes: Sequence[Node], needed_bytes: int, *, cpu: bool = False) -> list[WorkerShare]:
    """One share for each worker. If any host has a GPU, hosts without one are not used, unless `cpu` is set.

    On a CPU, the model of a worker takes `needed_bytes`. Every host with cores gets at least one worker.
    """
    if not cpu and any(node.gpus for node in nodes):
        return [
            WorkerShare(node.name, index, True, max(node.cores // node.gpus, 1))
            for node in nodes
            for index in range(node.gpus)
        ]
    return [share for node in nodes for share in _of_cores(node, needed_bytes)]


def spread(found: Iterable[WorkerShare], most: int) -> list[WorkerShare]:
    """At most `most` of the shares, on as many hosts as possible."""
    return sorted(found, key=lambda one: one.index)[:most]


def _of_cores(node: Node, needed_bytes: int) -> list[WorkerShare]:
    held = int(node.memory_bytes * _MEMORY_SHARE) // (needed_bytes + _PROCESS_BYTES)
    workers = min(node.cores, max(held, 1))
    return [WorkerShare(node.name, index, False, node.cores // workers) for index in range(workers)]
