"""Live streams on all GPUs of a fleet at once: each has as many, and all are measured at the same time.

Workers share a host's processor, memory and power, so that two GPUs may do less than twice as much as one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from svlm_cli.bench.setup import BenchSetup
from svlm_cli.bench.streams import Trial, attempt
from svlm_cli.core.errors import SvlmError
from svlm_cli.engine.engine import Engine
from svlm_cli.fleet.ray_cluster import connected, nodes
from svlm_cli.fleet.shares import Node, WorkerShare, shares

_LONGEST_S: Final = 3600.0  # a trial, with loading


class BenchActor:
    """What runs in a worker's process: an engine with so many streams."""

    def __init__(self, setup: BenchSetup, most: int, cores: int) -> None:
        import torch

        self._setup = setup
        if setup.place.device.type == "cpu":
            torch.set_num_threads(cores)
        self._engine = setup.engine(Engine, max_streams=most)

    def attempt(self, streams: int) -> Trial:
        """Rounds of so many streams, as fast as they go."""
        return attempt(self._engine, self._setup.load, streams)


@dataclass(frozen=True, slots=True)
class TogetherTrial:
    """Rounds of several streams on each of several workers, at the same time."""

    workers: int
    streams: int  # of all workers
    rounds: int  # of each stream
    round_s_median: float  # of the slowest worker
    round_s_p99: float  # of the slowest worker
    rounds_per_s: float  # of all streams together
    live: bool  # whether each worker keeps up

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> "TogetherTrial":
        """What workers measured at the same time."""
        return cls(
            workers=len(trials),
            streams=sum(one.streams for one in trials),
            rounds=trials[0].rounds,
            round_s_median=max(one.round_s_median for one in trials),
            round_s_p99=max(one.round_s_p99 for one in trials),
            rounds_per_s=sum(one.streams / one.round_s_median for one in trials),
            live=all(one.live for one in trials),
        )


class BenchCrew:
    """The workers of a fleet that measure: one on each GPU, or on each core."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._actors = actors

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self._actors)

    def attempt(self, streams: int, *, alone: bool = False) -> TogetherTrial:
        """So many streams on each worker, or on the first one `alone`. Raises `SvlmError` if a worker fails."""
        import ray
        from ray.exceptions import RayError

        actors = self._actors[:1] if alone else self._actors
        try:
            return TogetherTrial.of(ray.get([one.attempt.remote(streams) for one in actors], timeout=_LONGEST_S))
        except RayError as error:
            reason = str(getattr(error, "cause", None) or error).strip().splitlines()
            raise SvlmError("A worker of the fleet failed.", reason[-1] if reason else "") from error


@contextmanager
def crew_at(address: str, setup: BenchSetup, most: int) -> Iterator[BenchCrew]:
    """Workers in the cluster at `address`, each with room for so many streams. Raises `SvlmError` if it has none."""
    with connected(address):
        import ray

        from svlm_cli.fleet.ray_actors import options_for

        found = nodes()
        if not found:
            raise SvlmError("The fleet has no host.", "Start one with `ray start`.")
        actors = [
            ray.remote(BenchActor).options(**options_for(share, calls=1)).remote(setup, most, share.cores)
            for share in _shares(found, setup, most)
        ]
        yield BenchCrew(actors)


def _shares(found: list[Node], setup: BenchSetup, most: int) -> list[WorkerShare]:
    needed_bytes = setup.subject.footprint(setup.policy(), setup.place.dtype, streams=most).total
    return shares(found, needed_bytes, cpu=setup.place.device.type == "cpu")
