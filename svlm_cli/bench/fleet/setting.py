"""What is simulated: sizes, failures, and the times that a model of a fleet needs. All are in the report."""

import math
from dataclasses import dataclass

from svlm_cli.core.errors import UsageError

_HOUR_S = 3600.0
_SETTLING_S = 120.0  # from the start until the first failure, and from the last one to the end


@dataclass(frozen=True, slots=True)
class FleetSetting:
    """A fleet, what fails in it, and how long things take. `UsageError` if the cameras do not fit."""

    nodes: int = 1000
    gpus: int = 8  # of a node; a worker each
    cameras: int = 500_000
    failing: float = 0.02  # share of the nodes, in an hour
    hours: float = 1.0
    partitions: int = 4
    supervisor_deaths: int = 1
    supervisor_away_s: float = 5.0
    seed: int = 0

    streams: int = 96  # of a worker: an H200, 2 FPS, 256 tokens
    unlike: float = 0.3  # sigma of the logarithm of a camera's load; the mean is 1 / streams
    loading_s: float = 30.0  # from a worker's start until its model is loaded
    node_away_s: float = 600.0
    gpu_failing: float = 0.002  # share of the GPUs, in an hour, of which the node lives on
    gpu_away_s: float = 60.0
    noticed_s: float = 0.5  # from the death of a process until the supervisor hears of it, if its node lives on
    node_noticed_s: float = 15.0  # the same for a node; that it does not answer is noticed before
    rack: int = 20  # nodes that a partition cuts off; of small fleets a tenth of all
    partition_s: float = 60.0

    delay_s: float = 0.001  # of a message, the median
    delay_sigma: float = 0.8
    tail: float = 0.0005  # share of messages that are late by
    tail_s: float = 0.5  # on average
    lost: float = 0.0001  # share of messages
    retry_s: float = 2.0  # until a call fails, and is repeated
    beat_s: float = 1.0
    look_s: float = 0.5
    drift: float = 1e-4  # by which clocks are fast or slow at most

    closing_s: float = 0.2  # of a camera's connection
    expiring_s: float = 0.25  # between two looks of a worker at its leases
    connecting_s: float = 1.5  # of a camera, the median
    connecting_sigma: float = 0.4
    round_s: float = 1.0

    def __post_init__(self) -> None:
        if self.cameras > self.workers * self.streams:
            raise UsageError(
                f"{self.workers} GPUs watch {self.workers * self.streams} cameras at most.",
                "Lower --cameras, or raise --nodes or --gpus.",
            )
        if self.end_s <= self.first_failure_s:
            raise UsageError("Nothing can be told of so short a time.", "Raise --hours to 0.1 at least.")

    @property
    def workers(self) -> int:
        """As long as nothing fails."""
        return self.nodes * self.gpus

    @property
    def cut_off(self) -> int:
        """Nodes that a partition cuts off."""
        return min(self.rack, math.ceil(self.nodes / 10))

    @property
    def end_s(self) -> float:
        """Of the simulated time."""
        return self.hours * _HOUR_S

    @property
    def first_failure_s(self) -> float:
        """Until then everything starts."""
        return self.loading_s + _SETTLING_S

    @property
    def last_failure_s(self) -> float:
        """Then everything recovers."""
        return max(self.end_s - self.partition_s - _SETTLING_S, self.first_failure_s)
