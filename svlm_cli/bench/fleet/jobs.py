"""The cameras of a simulated fleet, made when they are asked for, and what is said of them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.events import RoundEnded
from svlm_cli.fleet.cameras.messages import CameraHeard

if TYPE_CHECKING:
    from svlm_cli.pipeline.batch import Job

_PREFIX = "cam"
_WORDS = "A white van turns into the yard and stops at the gate, where two people are waiting for it."  # 20 tokens


class CameraJobs(Sequence["Job"]):
    """So many cameras."""

    def __init__(self, count: int) -> None:
        from svlm_cli.pipeline.batch import Job

        self._count = count
        self._job = Job

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> "Job": ...

    @overload
    def __getitem__(self, index: slice) -> "list[Job]": ...

    def __getitem__(self, index: int | slice) -> "Job | list[Job]":
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        number = index % self._count
        return self._job(SourceAddress(f"rtsp://10.0.0.1/{number}"), (), name=f"{_PREFIX}{number}")


def index_of(job: "Job") -> int:
    """Which camera it is."""
    return int(job.name.removeprefix(_PREFIX))


def rounds_of(cameras: Iterable[tuple[int, int]], now_s: float) -> tuple[CameraHeard, ...]:
    """A round of each camera, given with its lease, as a real worker would tell it."""
    return tuple(
        CameraHeard(
            lease,
            RoundEnded(
                name=f"{_PREFIX}{camera}",
                start_s=now_s - 1,
                end_s=now_s,
                text=_WORDS,
                tokens=20,
                work_s=0.7,
                wall_clock_s=1.8e9 + now_s,
                latency_s=0.8,
                model="streamingvlm-7b",
            ),
        )
        for lease, camera in cameras
    )
