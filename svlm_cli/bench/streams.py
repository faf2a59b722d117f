"""How many live streams a device can sustain: 99 % of rounds take less time than they show.

Knows no terminal.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Protocol, TypeVar

import numpy as np

from svlm_cli.bench.latency import Load, time_rounds
from svlm_cli.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Trial:
    """Rounds of several streams in a batch."""

    streams: int
    rounds: int
    round_s_median: float
    round_s_p99: float
    live: bool  # whether the 99th percentile is below the chunk length


class Tried(Protocol):
    """A trial of any kind."""

    @property
    def streams(self) -> int:
        """The number of streams."""
        ...

    @property
    def live(self) -> bool:
        """Whether they were sustained."""
        ...


AnyTrial = TypeVar("AnyTrial", bound=Tried)


def find_most(
    attempt: Callable[[int], AnyTrial],
    *,
    most: int,
    step: int,
    progress: Callable[[AnyTrial], None] = lambda trial: None,
) -> list[AnyTrial]:
    """Trials that find the largest live number of streams, a multiple of `step`, up to `most`."""
    trials: dict[int, AnyTrial] = {}

    def live(count: int) -> bool:
        if count not in trials:
            trials[count] = attempt(count)
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
    """`load.rounds` rounds, once windows are full."""
    with closing(time_rounds(engine, load, streams)) as rounds:
        measured = list(islice(rounds, load.rounds))
    late = float(np.quantile(measured, 0.99))
    return Trial(streams, load.rounds, median(measured), late, late < engine.policy.chunk_seconds)
