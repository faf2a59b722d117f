"""Where the time of a round goes: what each stage of `Engine.step` takes, the device waited for after each.

So the sum is a little more than a round that nobody interrupts. Knows no terminal.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby, islice
from statistics import median

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from svlm_cli.bench.latency import Load, time_rounds
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.device import wait
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.speaker import Observer
from svlm_cli.engine.turn import Turn

WARM_UP_ROUNDS = 20  # by then the windows of vision and text are full


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a device does under one name in a stage of one round: GPU kernels, or a CPU's operations."""

    stage: str
    name: str
    calls: int
    seconds: float


class StagedEngine(Engine):
    """An engine that notes how long the stages of its last round took, in `taken`.

    With `profiles`, it notes in `kernels` as well what the device did; that slows a round down.
    """

    taken: dict[str, float]
    profiles: bool = False
    kernels: list[Kernel]

    def _look(self, turns: Sequence[Turn]) -> None:
        self.taken, self.kernels = {}, []
        with self._timed("look"):
            super()._look(turns)

    def _make_room(self, turns: Sequence[Turn]) -> None:
        with self._timed("forget"):
            super()._make_room(turns)

    def _read(self, turns: Sequence[Turn]) -> Tensor:
        with self._timed("read"):
            return super()._read(turns)

    def _speak(
        self, turns: Sequence[Turn], logits: Tensor, started: float, observe: Observer | None
    ) -> Iterator[TokenEvent | Segment]:
        with self._timed("speak"):
            yield from super()._speak(turns, logits, started, observe)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        with self._profiler() if self.profiles else nullcontext() as profiler:
            started = time.perf_counter()
            yield
            wait(self.device)
            self.taken[stage] = time.perf_counter() - started
        if profiler is not None:
            self.kernels += self._found(stage, profiler)

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
    """Medians over the rounds after the warm-up, in seconds."""

    streams: int
    rounds: int
    context_tokens: int  # of a stream, at the end
    plan_s: float  # the host's part: what is forgotten, which ids are read
    look_s: float  # the vision tower
    forget_s: float  # eviction, compaction and new rotation
    read_s: float  # prefill
    speak_s: float  # all tokens
    step_s: float  # the same for one token; the first of a round costs none, since reading chooses it
    round_s: float
    estimated_bytes: int  # what `engine/footprint.py` says that all this takes
    peak_bytes: int | None  # the most that was allocated on the GPU at once, loading included
    kernels: tuple[Kernel, ...]  # of one further round, the longest of each stage


def measure(
    engine: StagedEngine,
    load: Load,
    streams: int,
    progress: Callable[[int], None] = lambda round_: None,
    *,
    kernels: int = 0,
) -> Stages:
    """`load.rounds` rounds of so many streams side by side, after the warm-up; then, if any `kernels` of each stage are
    wanted, one that is profiled.
    """
    taken: list[dict[str, float]] = []
    with closing(time_rounds(engine, load, streams)) as rounds:
        for round_, round_s in enumerate(islice(rounds, WARM_UP_ROUNDS + load.rounds)):
            engine.taken["round"] = round_s
            if round_ >= WARM_UP_ROUNDS:
                taken.append(engine.taken)
            progress(round_)
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
        plan_s=median(2 * one["round"] - sum(one.values()) for one in taken),
        look_s=typical["look"],
        forget_s=typical["forget"],
        read_s=typical["read"],
        speak_s=typical["speak"],
        step_s=typical["speak"] / max(load.tokens - 1, 1),
        round_s=typical["round"],
        estimated_bytes=engine.estimate().total,
        peak_bytes=torch.cuda.max_memory_allocated(engine.device) if engine.device.type == "cuda" else None,
        kernels=tuple(_longest(engine.kernels, kernels)),
    )


def _longest(found: Sequence[Kernel], count: int) -> Iterator[Kernel]:
    for _, stage in groupby(found, key=lambda kernel: kernel.stage):
        yield from islice(stage, count)
