"""Where the time of a round goes, stage by stage of `Engine.step`.

On a GPU a stage lasts from when the device has done all of the one before until it has done all of this one: what the
host does while the device works costs nothing. Knows no terminal.
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
    """What a device does under one name in a stage of one round: GPU kernels, or a CPU's operations."""

    stage: str
    name: str
    calls: int
    seconds: float


class _Moment:
    """When the device has done all that it has been given until now."""

    def __init__(self, device: torch.device) -> None:
        self.at = time.perf_counter()
        self.event: torch.cuda.Event | None = None
        if device.type == "cuda":
            self.event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self.event.record()

    def since(self, before: "_Moment") -> float:
        """Seconds, once the device has come so far."""
        if self.event is None or before.event is None:
            return self.at - before.at
        return float(before.event.elapsed_time(self.event)) / 1e3


class StagedEngine(Engine):
    """An engine that notes how long the stages of its last round took, in `taken`, in seconds.

    With `profiles`, it notes in `kernels` as well what the device did; that slows a round down.
    """

    taken: dict[str, float]
    profiles: bool = False
    kernels: list[Kernel]
    _ends: dict[str, _Moment]

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        """As `Engine.step`."""
        self.kernels, self._ends = [], {}
        self._ends["start"] = _Moment(self.device)
        yield from super().step(requests, observe=observe)
        wait(self.device)
        self.taken = {stage: end.since(begin) for (_, begin), (stage, end) in pairwise(self._ends.items())}

    def _look(self, requests: Sequence[Request]) -> Sequence[Tensor | None]:
        with self._stage("look"):
            return super()._look(requests)

    def _evict(self, plans: Sequence[Plan]) -> None:
        with self._stage("forget"):
            super()._evict(plans)

    def _prefill(self, plans: Sequence[Plan]) -> Tensor:
        with self._stage("read"):
            return super()._prefill(plans)

    def _decode(
        self, turns: Sequence[Turn], logits: Tensor, started: float, observe: Observer | None
    ) -> Iterator[TokenEvent | Segment]:
        with self._stage("speak"):
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
        """The longest first."""
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
    """Medians over rounds whose windows are full, in seconds."""

    streams: int
    rounds: int
    context_tokens: int  # of a stream, at the end
    look_s: float  # the vision tower
    forget_s: float  # what planning, eviction, compaction and new rotation take beyond that
    read_s: float  # prefill
    speak_s: float  # all tokens
    step_s: float  # the same for one token; the first of a round costs none, since reading chooses it
    round_s: float
    estimated_bytes: int  # what `engine/footprint.py` says that all this takes
    peak_bytes: int | None  # the most that was allocated on the GPU at once, while loading or in these rounds
    kernels: tuple[Kernel, ...]  # of one further round, the longest of each stage


def measure(
    engine: StagedEngine,
    load: Load,
    streams: int,
    progress: Callable[[int], None] = lambda round_: None,
    *,
    kernels: int = 0,
) -> Stages:
    """`load.rounds` rounds of so many streams side by side; then, if `kernels` of each stage are wanted, one that is
    profiled.
    """
    taken: list[dict[str, float]] = []
    loading_bytes = _peak_bytes(engine.device)
    with closing(time_rounds(engine, load, streams)) as rounds:
        next(rounds)
        _forget_peak(engine.device)  # what filled the windows does not count
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
        look_s=typical["look"],
        forget_s=typical["forget"],
        read_s=typical["read"],
        speak_s=typical["speak"],
        step_s=typical["speak"] / max(load.tokens - 1, 1),
        round_s=typical["round"],
        estimated_bytes=engine.estimate().total,
        peak_bytes=max(loading_bytes, rounds_bytes) or None,
        kernels=tuple(_longest(engine.kernels, kernels)),
    )


def _peak_bytes(device: torch.device) -> int:
    """0 if it is no GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _longest(found: Sequence[Kernel], count: int) -> Iterator[Kernel]:
    for _, stage in groupby(found, key=lambda kernel: kernel.stage):
        yield from islice(stage, count)
