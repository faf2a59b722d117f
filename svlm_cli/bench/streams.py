"""How many live streams one device keeps up with: every round in less time than it shows, but for one in a hundred.

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
    """Rounds of so many streams side by side."""

    streams: int
    rounds: int
    round_s_median: float
    round_s_p99: float
    live: bool  # whether the 99th percentile is less than a round shows


class Tried(Protocol):
    """A trial of any kind."""

    @property
    def streams(self) -> int:
        """How many there were."""
        ...

    @property
    def live(self) -> bool:
        """Whether they were kept up with."""
        ...


AnyTrial = TypeVar("AnyTrial", bound=Tried)


def find_most(
    attempt: Callable[[int], AnyTrial],
    *,
    most: int,
    step: int,
    progress: Callable[[AnyTrial], None] = lambda trial: None,
) -> list[AnyTrial]:
    """The trials by which the largest live number of streams, a multiple of `step`, was found, up to `most`."""
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
    """`load.rounds` rounds, once all windows are full."""
    with closing(time_rounds(engine, load, streams)) as rounds:
        measured = list(islice(rounds, load.rounds))
    late = float(np.quantile(measured, 0.99))
    return Trial(streams, load.rounds, median(measured), late, late < engine.policy.chunk_seconds)
