"""How many live streams one device keeps up with: every round in less time than it shows, but for one in a hundred.

Knows no terminal.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

import numpy as np

from svlm_cli.bench.latency import Load, chunks
from svlm_cli.bench.stages import WARM_UP_ROUNDS, wait
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.turn import Request


@dataclass(frozen=True, slots=True)
class Trial:
    """Rounds of so many streams side by side."""

    streams: int
    rounds: int
    round_s_median: float
    round_s_p99: float
    live: bool  # whether the 99th percentile is less than a round shows


def find_most(
    engine: Engine, load: Load, *, most: int, step: int, progress: Callable[[Trial], None] = lambda trial: None
) -> list[Trial]:
    """The trials by which the largest live number of streams, a multiple of `step`, was found, up to `most`."""
    trials: dict[int, Trial] = {}

    def live(count: int) -> bool:
        if count not in trials:
            trials[count] = attempt(engine, load, count)
            progress(trials[count])
        return trials[count].live

    low, high = 0, most // step
    if high and live(high * step):
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if live(middle * step) else (low, middle)
    return [trials[count] for count in sorted(trials)]


def attempt(engine: Engine, load: Load, streams: int) -> Trial:
    """`load.rounds` rounds, once all windows are full."""
    policy = engine.policy
    source = chunks(load, frames=policy.frames_per_chunk, seconds=policy.chunk_seconds)
    seconds = []
    with ExitStack() as stack:
        opened = [stack.enter_context(engine.open(seed=load.seed + index)) for index in range(streams)]
        for _ in range(WARM_UP_ROUNDS + load.rounds):
            chunk = next(source)
            started = time.perf_counter()
            for _ in engine.step([Request(stream, chunk, forced_count=load.tokens) for stream in opened]):
                pass
            wait(engine.device)
            seconds.append(time.perf_counter() - started)
    measured = seconds[WARM_UP_ROUNDS:]
    late = float(np.quantile(measured, 0.99))
    return Trial(streams, load.rounds, median(measured), late, late < policy.chunk_seconds)
