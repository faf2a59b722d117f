"""Prefetches batches to the device: collated, copied and drawn while the previous step is trained.

Runs in a thread, on a CUDA stream of its own if there is a GPU, so that a step waits for neither. Knows no data source
and no network.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from svlm_cli.core.errors import SvlmError
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.collate import Batch, TokenBatch
from svlm_cli.training.exchange import Exchange

_AHEAD = 2  # in steps

Batches = Callable[[int], Iterator[Batch]]
"""Yields the batches of all steps from the given one on."""

Work = Callable[[Batch, Sequence[Grid]], float]
"""A batch and the grids of its pictures -> its FLOPs (`WorkCount.of`)."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceBatch:
    """A batch on the device."""

    tokens: TokenBatch
    patches: Tensor
    grids: tuple[Grid, ...]
    weight: float  # per trained token in the loss: 1 / tokens of a batch, averaged over the step and all ranks
    count: int  # tokens, without padding
    flops: float = 0.0  # model FLOPs; 0 if not counted


def on_device(
    batch: Batch, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype, weight: float
) -> DeviceBatch:
    """Copy and draw it."""
    tokens = batch.tokens.pinned() if device.type == "cuda" else batch.tokens
    patches, grids = batch.pictures.patches(preprocessor, device=device, dtype=dtype)
    return DeviceBatch(tokens.to(device), patches, tuple(grids), weight, batch.count)


@dataclass(slots=True)
class _Ready:
    batches: list[DeviceBatch]
    event: Any  # torch.cuda.Event, set when all is on the device; None without a GPU


class DeviceFeed:
    """Iterates over `DeviceBatch`es, `accumulate` per step, from `first_step` on. All ranks need the same number."""

    def __init__(
        self,
        batches: Batches,
        preprocessor: Preprocessor,
        *,
        device: torch.device,
        dtype: torch.dtype,
        first_step: int,
        accumulate: int,
        exchange: Exchange,
        work: Work | None = None,
    ) -> None:
        """With `work`, which only the thread calls, batches include their FLOPs."""
        self._work = work
        self._batches = batches
        self._preprocessor = preprocessor
        self._device, self._dtype = device, dtype
        self._first_step, self._accumulate = first_step, accumulate
        self._exchange = exchange
        self._ready: queue.Queue[_Ready | BaseException | None] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self.waited_s = 0.0  # total waiting time of the consumer

    def __iter__(self) -> Iterator[dict[str, DeviceBatch]]:
        """Yields arguments for the model, as the Trainer passes them."""
        thread = threading.Thread(target=self._fill, name="feed", daemon=True)
        thread.start()
        while (item := self._next()) is not None:
            for batch in item.batches:
                yield {"batch": batch}

    def close(self) -> None:
        """Stop."""
        self._stopped.set()

    def _next(self) -> _Ready | None:
        started = time.perf_counter()
        item = self._ready.get()
        self.waited_s += time.perf_counter() - started
        if isinstance(item, BaseException):
            raise item
        if item is not None and item.event is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(item.event)
            for batch in item.batches:
                for tensor in (batch.patches, *batch.tokens.tensors()):
                    tensor.record_stream(stream)  # do not reuse the memory before the step is done with it
        return item

    def _fill(self) -> None:
        try:
            side: Any = None
            if self._device.type == "cuda":
                side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            source = self._batches(self._first_step)
            while step := self._step(source):
                with nullcontext() if side is None else torch.cuda.stream(side):
                    batches = self._moved(step)
                    event = None if side is None else side.record_event()
                if not self._put(_Ready(batches, event)):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - re-raised in the consumer
            self._put(error)

    def _step(self, source: Iterator[Batch]) -> list[Batch]:
        try:
            return list(islice(source, self._accumulate))
        except SvlmError as error:
            self._exchange.fail(error)
            raise

    @torch.no_grad()
    def _moved(self, step: list[Batch]) -> list[DeviceBatch]:
        learned = self._exchange.settle(sum(batch.learned for batch in step))
        weight = len(step) * self._exchange.ranks.count / learned  # gradients are averaged over batches and ranks
        moved = []
        for batch in step:
            one = on_device(batch, self._preprocessor, device=self._device, dtype=self._dtype, weight=weight)
            if self._work is not None:
                one = replace(one, flops=self._work(batch, one.grids))
            moved.append(one)
        return moved

    def _put(self, item: _Ready | BaseException | None) -> bool:
        """False if the consumer has closed the feed."""
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
