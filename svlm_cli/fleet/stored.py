"""Jobs whose videos or outputs are in a store: plain picklable data, and what is there already."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import OutputError
from svlm_cli.fleet import store
from svlm_cli.pipeline.batch import Job, Target


@dataclass(frozen=True, slots=True)
class StoredTarget(Target):
    """An output in a store; `path` is its place below the folder of all outputs."""

    address: SourceAddress
    parts: SourceAddress  # the folder for what is not whole yet

    @property
    def name(self) -> str:
        """The name to show."""
        return str(self.address)

    @property
    def folder(self) -> SourceAddress:
        """The folder that it is in."""
        return SourceAddress(self.address.reveal().rpartition("/")[0])

    @property
    def part(self) -> Path | None:
        """Nothing of it is on this host."""
        return None


@dataclass(frozen=True, slots=True)
class StoredJob(Job):
    """A video, its outputs, or both are in a store."""

    fetched: bool = False  # the video is
    size: int = 0
    version: int = 0


def present(targets: Iterable[Target]) -> frozenset[Target]:
    """The outputs that exist. Raises `InputError` if a store does not say."""
    found, in_stores = set[Target](), dict[SourceAddress, list[StoredTarget]]()
    for target in targets:
        if isinstance(target, StoredTarget):
            in_stores.setdefault(target.folder, []).append(target)
        elif target.path is not None and target.path.is_file():
            found.add(target)
    for folder, wanted in in_stores.items():
        names = store.names_in(folder)
        found.update(one for one in wanted if one.path is not None and one.path.name in names)
    return frozenset(found)


def still_missing(job: Job, there: frozenset[Target] | None = None) -> Job:
    """As `batch.still_missing`, wherever the outputs are. `there`: those that are present, if that is known."""
    known = present(job.targets) if there is None else there
    kept = tuple(one for one in job.targets if one in known)
    return replace(job, targets=tuple(one for one in job.targets if one not in known), kept=job.kept + kept)


def remove_unfinished(job: Job) -> None:
    """Where one output fails, the others get their names with what they have so far: not whole, and in the way.

    In a store nothing gets its name before all is whole.
    """
    for target in job.targets:
        if target.path is not None and not isinstance(target, StoredTarget):
            with suppress(OSError):
                target.path.unlink(missing_ok=True)


def remove_parts(jobs: Iterable[Job]) -> None:
    """What workers that died have left in the stores."""
    targets = (one for job in jobs for one in (*job.targets, *job.kept))
    for folder in {one.parts for one in targets if isinstance(one, StoredTarget)}:
        with suppress(OutputError):
            store.remove_folder(folder)
