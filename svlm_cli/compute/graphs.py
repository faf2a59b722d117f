"""CUDA graphs: work that is the same each time is recorded once, and then started as a whole.

Knows nothing of what is recorded.
"""

from collections.abc import Callable, Hashable

import torch


class Graphs:
    """Recorded work by its key. Switched off, or without a GPU, everything is simply done."""

    def __init__(self, device: torch.device, *, enabled: bool = True) -> None:
        self.enabled = enabled and device.type == "cuda"
        self._recorded: dict[Hashable, torch.cuda.CUDAGraph | None] = {}
        self._pool = torch.cuda.graph_pool_handle() if self.enabled else None

    def run(self, key: Hashable, work: Callable[[], object]) -> None:
        """Do `work`, which reads and writes the same tensors whenever its `key` is the same, and waits for nothing.

        The first time it is done as it is, since kernels are compiled and libraries prepared then; the second time it
        is recorded.
        """
        if not self.enabled:
            work()
            return
        if key not in self._recorded:
            self._recorded[key] = None
            work()
            return
        graph = self._recorded[key]
        if graph is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                work()
            self._recorded[key] = graph
        graph.replay()
