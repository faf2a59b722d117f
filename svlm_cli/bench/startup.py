"""The time from the start of a process to its first word.

Knows no terminal. Does not control whether compiled kernels are cached: its caller does.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from svlm_cli.bench.latency import Load, chunks, speak
from svlm_cli.core.process_stats import age_s
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request


@dataclass(frozen=True, slots=True)
class Startup:
    """Times in seconds, in order."""

    import_s: float  # from the start of the process until it starts loading
    load_s: float  # weights to the device, and allocation of the cache
    first_word_s: float  # the first round, up to its first token
    second_round_s: float  # a complete round, for comparison
    total_s: float  # from the start of the process to the first token


def measure(load_engine: Callable[[], Engine], load: Load) -> Startup:
    """Load an engine and run it. Call once, as early in a process as possible. `OSError` except on Linux."""
    import_s, begun_s = age_s(os.getpid()), time.perf_counter()
    engine = load_engine()
    loaded_s = time.perf_counter()
    source = chunks(load, frames=engine.policy.frames_per_chunk, seconds=engine.policy.chunk_seconds)
    with engine.open(seed=load.seed) as stream:
        events = iter(engine.step([Request(stream, next(source), forced_count=load.tokens)]))
        next(events)
        spoken_s = time.perf_counter()
        for _ in events:
            pass
        second_s = time.perf_counter()
        speak(engine, [stream], next(source), load)
        ended_s = time.perf_counter()
    return Startup(
        import_s=import_s,
        load_s=loaded_s - begun_s,
        first_word_s=spoken_s - loaded_s,
        second_round_s=ended_s - second_s,
        total_s=import_s + spoken_s - begun_s,
    )
