"""How the hardware of a fleet becomes workers: one a GPU, or where there are none, workers that share the cores.

A small model gains nothing from a second core, and a second stream gains nothing on one: each core gets a worker of its
own, as long as the memory holds them all. Pure. Knows no Ray.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_MEMORY_SHARE: Final = 0.8  # of a host's, for workers
_PROCESS_BYTES: Final = 1 << 30  # Python, torch and frames on their way, beside what the model takes


@dataclass(frozen=True, slots=True)
class Node:
    """What a host has."""

    name: str
    gpus: int
    cores: int
    memory_bytes: int
    address: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """What one worker has of its host: a GPU, or so many cores. `index` tells those of one host apart."""

    node: str
    index: int
    gpu: bool
    cores: int

    @property
    def name(self) -> str:
        """Of the worker."""
        return f"{self.node[:8]}-{self.index}"


def shares(nodes: Sequence[Node], needed_bytes: int, *, cpu: bool = False) -> list[WorkerShare]:
    """One share for each worker. Where any host has a GPU, those without are left alone, unless the `cpu` is wanted.

    A worker without a GPU takes `needed_bytes` of its host's memory for the model. No host with cores is left without
    a worker.
    """
    if not cpu and any(node.gpus for node in nodes):
        return [
            WorkerShare(node.name, index, True, max(node.cores // node.gpus, 1))
            for node in nodes
            for index in range(node.gpus)
        ]
    return [share for node in nodes for share in _of_cores(node, needed_bytes)]


def spread(found: Iterable[WorkerShare], most: int) -> list[WorkerShare]:
    """At most so many of them, from as many hosts as possible."""
    return sorted(found, key=lambda one: one.index)[:most]


def _of_cores(node: Node, needed_bytes: int) -> list[WorkerShare]:
    held = int(node.memory_bytes * _MEMORY_SHARE) // (needed_bytes + _PROCESS_BYTES)
    workers = min(node.cores, max(held, 1))
    return [WorkerShare(node.name, index, False, node.cores // workers) for index in range(workers)]
