"""CUDA graphs: repeated work is recorded once and then replayed. Does not know what is recorded."""

from collections.abc import Callable, Hashable

import torch


class Graphs:
    """Recorded graphs by key. Without a GPU, or if disabled, work simply runs."""

    def __init__(self, device: torch.device, *, enabled: bool = True) -> None:
        self.enabled = enabled and device.type == "cuda"
        self._recorded: dict[Hashable, torch.cuda.CUDAGraph | None] = {}
        self._pool = torch.cuda.graph_pool_handle() if self.enabled else None

    def run(self, key: Hashable, work: Callable[[], object]) -> None:
        """Run `work`, which must use the same tensors for the same `key`, and must never synchronise.

        The first run is a warm-up that compiles kernels; the second is recorded, and replayed from then on.
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
