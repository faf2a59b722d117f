"""Live streams from video to words, in real time: reading, decoding, resizing and the model together.

Runs in `pipeline/run.py`, like cameras. This module makes rounds equally long, and measures them. Knows no video and no
terminal.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from svlm_cli.bench.latency import Load, chunks, speak
from svlm_cli.bench.windows import filled_rounds
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.process_stats import children_of, cpu_s
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.decode import Observer, recorded_width
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request

_SETTLING_ROUNDS = 8  # delays from filling the windows are made up by then
_LAST_ROUNDS = 2  # ignored, as some streams have ended by then


class EvenEngine(Engine):
    """An engine whose rounds all have `tokens` tokens."""

    tokens: int

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        """See `Engine.step`."""
        yield from super().step([replace(one, forced_count=self.tokens) for one in requests], observe=observe)


@dataclass(frozen=True, slots=True)
class LiveTrial:
    """Live streams in one batch. Latency is from the arrival of a round's newest frame to its last word."""

    streams: int
    rounds: int  # over all streams
    dropped: int  # frames dropped because the model was too slow, in rounds
    latency_s_median: float
    latency_s_p99: float
    latency_s_most: float
    cpu_cores_svlm: float  # busy cores, on average
    cpu_cores_decoding: float  # the same for all decoding processes
    live: bool  # whether nothing was dropped, and the 99th percentile is below the chunk length


def prepare(engine: EvenEngine, load: Load) -> None:
    """Warm up each batch size that may be recorded as a graph: later there is no time for it."""
    policy, most = engine.policy, engine.max_streams
    for count in sorted({recorded_width(count, most) for count in range(1, most + 1)}):
        opened = [engine.open(seed=index) for index in range(count)]
        source = chunks(load, frames=policy.frames_per_chunk, seconds=policy.chunk_seconds)
        for chunk in islice(source, 2):
            speak(engine, opened, chunk, load)
        for stream in opened:
            stream.close()


class Watch:
    """Measures `rounds` rounds of each stream, once their windows are full."""

    def __init__(self, policy: StreamPolicy, streams: int, rounds: int) -> None:
        self._chunk_s, self._frames = policy.chunk_seconds, policy.frames_per_chunk
        first = filled_rounds(policy) + _SETTLING_ROUNDS
        self._counted = range(first, first + rounds)
        self._streams = streams
        self._latencies: list[float] = []
        self._dropped = 0
        self._begun: tuple[float, float, float] | None = None
        self._ended: tuple[float, float, float] | None = None

    @property
    def rounds(self) -> int:
        """The total number of rounds that each stream needs."""
        return self._counted.stop + _LAST_ROUNDS

    def hear(self, event: Chunk | TokenEvent | Segment) -> None:
        """Take in a chunk or the output of a stream; a stream that has all its rounds is ignored."""
        if not isinstance(event, Segment) or round(event.start_s / self._chunk_s) not in self._counted:
            return
        if self._begun is None:
            self._begun = self._ended = _cpu()
        self._dropped += event.dropped
        if event.latency_s is not None:
            self._latencies.append(event.latency_s)
        if len(self._latencies) % self._streams == 0:
            self._ended = _cpu()

    def trial(self) -> LiveTrial | None:
        """The result; None if no round was measured."""
        if not self._latencies or self._begun is None or self._ended is None:
            return None
        clock_s, own_s, others_s = (after - before for before, after in zip(self._begun, self._ended, strict=True))
        late = float(np.quantile(self._latencies, 0.99))
        dropped = round(self._dropped / self._frames)
        return LiveTrial(
            streams=self._streams,
            rounds=len(self._latencies),
            dropped=dropped,
            latency_s_median=float(np.median(self._latencies)),
            latency_s_p99=late,
            latency_s_most=max(self._latencies),
            cpu_cores_svlm=own_s / clock_s if clock_s else 0.0,
            cpu_cores_decoding=max(others_s, 0.0) / clock_s if clock_s else 0.0,
            live=dropped == 0 and late < self._chunk_s,
        )


def _cpu() -> tuple[float, float, float]:
    """The time, and the CPU time so far of this process and of its children."""
    return time.monotonic(), time.process_time(), sum(map(cpu_s, children_of(os.getpid())))
