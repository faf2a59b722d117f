"""How long it takes from the start of a process to its first word.

Knows no terminal, and not whether what others have compiled is still there: that is its caller's affair.
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
    """In seconds, one after the other."""

    import_s: float  # from the start of this process until it begins to load
    load_s: float  # weights to the device, and what the engine sets aside
    first_word_s: float  # the first round, up to its first token
    second_round_s: float  # a whole round, for comparison
    total_s: float  # from the start of the process to the first token


def measure(load_engine: Callable[[], Engine], load: Load) -> Startup:
    """Load an engine and have it speak. To be called once, as early in a process as can be. `OSError` but on Linux."""
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
