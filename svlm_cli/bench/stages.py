"""The time of a round by stage of `Engine.step`.

A stage is timed from the GPU finishing the previous stage to finishing this one, so host work that overlaps with the
GPU is free. Knows no terminal.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby, islice, pairwise
from statistics import median

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from svlm_cli.bench.latency import Load, time_rounds
from svlm_cli.compute.device import wait
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.decode import Observer
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Plan, Request
from svlm_cli.engine.turn import Turn


@dataclass(frozen=True, slots=True)
class Kernel:
    """Work of one name within a stage of one round: a GPU kernel, or a CPU operation."""

    stage: str
    name: str
    calls: int
    seconds: float


class _Moment:
    """The moment at which the device has done all work submitted so far."""

    def __init__(self, device: torch.device) -> None:
        self.at = time.perf_counter()
        self.event: torch.cuda.Event | None = None
        if device.type == "cuda":
            self.event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self.event.record()

    def since(self, before: "_Moment") -> float:
        """Seconds between two moments; waits for the device."""
        if self.event is None or before.event is None:
            return self.at - before.at
        return float(before.event.elapsed_time(self.event)) / 1e3


class StagedEngine(Engine):
    """An engine that records the time per stage of its last round in `taken`, in seconds.

    With `profiles` it also records device activity in `kernels`, which slows rounds down.
    """

    taken: dict[str, float]
    profiles: bool = False
    kernels: list[Kernel]
    _ends: dict[str, _Moment]

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        """See `Engine.step`."""
        self.kernels, self._ends = [], {}
        self._ends["start"] = _Moment(self.device)
        yield from super().step(requests, observe=observe)
        wait(self.device)
        self.taken = {stage: end.since(begin) for (_, begin), (stage, end) in pairwise(self._ends.items())}

    def _look(self, requests: Sequence[Request]) -> Sequence[Tensor | None]:
        with self._stage("vision"):
            return super()._look(requests)

    def _evict(self, plans: Sequence[Plan]) -> None:
        with self._stage("eviction"):
            super()._evict(plans)

    def _prefill(self, plans: Sequence[Plan]) -> Tensor:
        with self._stage("prefill"):
            return super()._prefill(plans)

    def _decode(
        self, turns: Sequence[Turn], logits: Tensor, started: float, observe: Observer | None
    ) -> Iterator[TokenEvent | Segment]:
        with self._stage("decode"):
            yield from super()._decode(turns, logits, started, observe)

    @contextmanager
    def _stage(self, stage: str) -> Iterator[None]:
        with self._profiler() if self.profiles else nullcontext() as profiler:
            yield
            if profiler is not None:
                wait(self.device)
        if profiler is not None:
            self.kernels += self._found(stage, profiler)
        self._ends[stage] = _Moment(self.device)

    def _profiler(self) -> profile:
        activity = ProfilerActivity.CUDA if self.device.type == "cuda" else ProfilerActivity.CPU
        return profile(activities=[activity], acc_events=True)

    def _found(self, stage: str, profiler: profile) -> Iterator[Kernel]:
        """Longest first."""
        cuda = self.device.type == "cuda"
        found = [
            (one.self_device_time_total if cuda else one.self_cpu_time_total, one.count, one.key)
            for one in profiler.key_averages()
        ]
        for microseconds, calls, name in sorted(found, reverse=True):
            if microseconds:
                yield Kernel(stage, name, calls, microseconds / 1e6)


@dataclass(frozen=True, slots=True)
class Stages:
    """Medians in seconds, over rounds with full windows."""

    streams: int
    rounds: int
    context_tokens: int  # per stream, at the end
    vision_s: float  # the vision tower
    eviction_s: float  # planning, eviction, compaction and re-rotation, beyond the above
    prefill_s: float  # prefill
    decode_s: float  # decode, all tokens
    step_s: float  # decode, per token; the first token of a round needs no step, as prefill gives its logits
    round_s: float
    estimated_bytes: int  # according to `engine/footprint.py`
    peak_bytes: int | None  # of GPU allocations, while loading or in these rounds
    kernels: tuple[Kernel, ...]  # of one more round, the longest per stage


def measure(
    engine: StagedEngine,
    load: Load,
    streams: int,
    progress: Callable[[int], None] = lambda round_: None,
    *,
    kernels: int = 0,
) -> Stages:
    """`load.rounds` rounds of `streams` streams in a batch.

    If `kernels` per stage are wanted, one more round is profiled.
    """
    taken: list[dict[str, float]] = []
    loading_bytes = _peak_bytes(engine.device)
    with closing(time_rounds(engine, load, streams)) as rounds:
        next(rounds)
        _forget_peak(engine.device)  # excludes the filling of windows
        for round_, round_s in enumerate(islice(rounds, load.rounds)):
            engine.taken["round"] = round_s
            taken.append(engine.taken)
            progress(round_)
        rounds_bytes = _peak_bytes(engine.device)
        held = max(engine.cache.lengths)
        if kernels:
            engine.profiles = True
            next(rounds)
            engine.profiles = False
    typical = {stage: median(one[stage] for one in taken) for stage in taken[0]}
    return Stages(
        streams=streams,
        rounds=load.rounds,
        context_tokens=held,
        vision_s=typical["vision"],
        eviction_s=typical["eviction"],
        prefill_s=typical["prefill"],
        decode_s=typical["decode"],
        step_s=typical["decode"] / max(load.tokens - 1, 1),
        round_s=typical["round"],
        estimated_bytes=engine.estimate().total,
        peak_bytes=max(loading_bytes, rounds_bytes) or None,
        kernels=tuple(_longest(engine.kernels, kernels)),
    )


def _peak_bytes(device: torch.device) -> int:
    """0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _longest(found: Sequence[Kernel], count: int) -> Iterator[Kernel]:
    for _, stage in groupby(found, key=lambda kernel: kernel.stage):
        yield from islice(stage, count)
