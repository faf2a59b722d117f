"""Time and memory per round, over a long stream of synthetic frames.

Knows no file and no terminal; `report.py` prints the results.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from statistics import median

import numpy as np

from svlm_cli.bench.memory import device_bytes, resident_bytes
from svlm_cli.bench.windows import filled_rounds, filling, forgets, rounds_to_fill
from svlm_cli.compute.device import wait
from svlm_cli.core.errors import CapacityError
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState

SETTLED_ROUNDS = slice(200, 300)  # nothing may have grown between these and the last ones
LAST_ROUNDS = 100
MINUTE = 60  # rounds
STEP_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Load:
    """The workload of the engine."""

    rounds: int
    tokens: int  # per round, forced
    width: int
    height: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class StreamLatency:
    """The rounds of a stream. Medians are None if the stream was too short for them."""

    mode: str
    rounds: int
    tokens_per_round: int
    round_s_median: float
    round_s_p99: float
    full_after: int | None  # rounds until every window is full, if the policy evicts
    round_s_full: float | None  # median of the rounds from then on
    round_s_settled: float | None  # median of rounds 200-300
    round_s_second_minute: float | None  # median of rounds 60-120
    round_s_last_minute: float | None  # median of the last 60 rounds
    round_s_last: float | None  # median of the last 100 rounds
    last_over_settled: float | None
    token_s_median: float  # round time / tokens, as in the paper
    token_s_over_time: tuple[float, ...]  # the same per STEP_ROUNDS rounds
    resident_growth_bytes: int | None  # of the process, since round 300
    device_growth_bytes: int | None  # of the GPU's allocations, since round 300
    context_tokens: int  # in the cache at the end
    ended: str  # why the stream ended early; "" if it did not


def chunks(load: Load, *, frames: int, seconds: float) -> Iterator[Chunk]:
    """An endless stream of noise pictures."""
    noise = np.random.default_rng(load.seed)
    pictures = [noise.integers(0, 256, (load.height, load.width, 3), np.uint8) for _ in range(2 * frames)]
    shown = cycle(pictures)
    round_ = 0
    while True:
        yield Chunk(tuple(next(shown) for _ in range(frames)), round_ * seconds, (round_ + 1) * seconds)
        round_ += 1


def time_rounds(engine: Engine, load: Load, streams: int) -> Generator[float, None, None]:
    """Yields the time in seconds of each round of `streams` streams in a batch, once their windows are full; endless.

    Closing it closes the streams.
    """
    policy = engine.policy
    source = chunks(load, frames=policy.frames_per_chunk, seconds=policy.chunk_seconds)
    context, full_after = filling(policy), filled_rounds(policy)
    with ExitStack() as stack:
        opened = [stack.enter_context(engine.open(context=context, seed=load.seed + index)) for index in range(streams)]
        first = next(source)
        for stream in opened:  # one by one: prefilling all at once would need more memory than any round
            speak(engine, [stream], first, load)
        for round_, chunk in enumerate(source, start=1):
            wait(engine.device)
            started = time.perf_counter()
            speak(engine, opened, chunk, load)
            wait(engine.device)
            if round_ >= full_after:
                yield time.perf_counter() - started


def speak(engine: Engine, streams: Sequence[StreamState], chunk: Chunk, load: Load) -> None:
    """One round of all these streams, with the number of tokens in `load`."""
    for _ in engine.step([Request(stream, chunk, forced_count=load.tokens) for stream in streams]):
        pass


def measure(engine: Engine, load: Load, progress: Callable[[int], None] = lambda round_: None) -> StreamLatency:
    """Run one stream for `load.rounds` rounds, or until its cache is full."""
    policy = engine.policy
    seconds: list[float] = []
    memory: tuple[int, int] | None = None
    ended = ""
    source = chunks(load, frames=policy.frames_per_chunk, seconds=policy.chunk_seconds)
    with engine.open(seed=load.seed) as stream:
        for round_ in range(load.rounds):
            if round_ == SETTLED_ROUNDS.stop:
                memory = resident_bytes(), device_bytes(engine.device)
            chunk = next(source)
            started = time.perf_counter()
            try:
                speak(engine, [stream], chunk, load)
            except CapacityError as error:
                ended = error.message
                break
            wait(engine.device)
            seconds.append(time.perf_counter() - started)
            progress(round_)
        held = engine.cache.lengths[stream.slot]
        growth = None if memory is None else (resident_bytes() - memory[0], device_bytes(engine.device) - memory[1])
    return _summary(engine, load, seconds, growth, held, ended)


def _summary(
    engine: Engine, load: Load, seconds: list[float], growth: tuple[int, int] | None, held: int, ended: str
) -> StreamLatency:
    settled = median(seconds[SETTLED_ROUNDS]) if len(seconds) >= SETTLED_ROUNDS.stop else None
    last = median(seconds[-LAST_ROUNDS:]) if len(seconds) >= SETTLED_ROUNDS.stop + LAST_ROUNDS else None
    typical = median(seconds) if seconds else float("nan")
    full_after = rounds_to_fill(engine, load.tokens) if forgets(engine.policy) else None
    full = [] if full_after is None else seconds[full_after:]
    return StreamLatency(
        mode=engine.policy.mode.value,
        rounds=len(seconds),
        tokens_per_round=load.tokens,
        round_s_median=typical,
        round_s_p99=float(np.quantile(seconds, 0.99)) if seconds else float("nan"),
        full_after=full_after,
        round_s_full=median(full) if full else None,
        round_s_settled=settled,
        round_s_second_minute=median(seconds[MINUTE : 2 * MINUTE]) if len(seconds) >= 2 * MINUTE else None,
        round_s_last_minute=median(seconds[-MINUTE:]) if len(seconds) >= 3 * MINUTE else None,
        round_s_last=last,
        last_over_settled=last / settled if last is not None and settled is not None else None,
        token_s_median=typical / load.tokens,
        token_s_over_time=tuple(
            median(seconds[start : start + STEP_ROUNDS]) / load.tokens for start in range(0, len(seconds), STEP_ROUNDS)
        ),
        resident_growth_bytes=None if growth is None else growth[0],
        device_growth_bytes=None if growth is None else growth[1],
        context_tokens=held,
        ended=ended,
    )
