"""The videos of a call, of which some are in a store, and the outputs of all, which may be in one. Lists stores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.fleet import store
from svlm_cli.fleet.stored import StoredJob, StoredTarget
from svlm_cli.media.network import scheme_of
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import DEFAULT_FORMAT, Existing, Job, Target, Wanted, plan
from svlm_cli.pipeline.inputs import STDIN, VIDEO_SUFFIXES, Input
from svlm_cli.pipeline.naming import below, distinct

PARTS = ".svlm-fleet"  # a folder of a store for what is not whole yet


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """Inputs and the folder of their outputs, of which at least one is in a store."""

    inputs: tuple[Input, ...]
    folder: SourceAddress | None  # of the outputs, if that is in a store

    @classmethod
    def of(cls, inputs: Sequence[Input], folder: str | None) -> "StoredPlan | None":
        """None if all is on this host's disks."""
        stored = folder if folder is not None and store.is_store(folder) else None
        if stored is None and not any(store.is_store(one.source.reveal()) for one in inputs):
            return None
        return cls(tuple(inputs), None if stored is None else SourceAddress(stored))

    def jobs(self, wanted: Wanted, tell: Callable[[str], None]) -> tuple[Job, ...]:
        """The jobs. Raises `UsageError` for what makes no sense, and `InputError` for a video that is not there."""
        if wanted.output is not None:
            raise UsageError("-o names a file of this machine.", "With a store, use --output-dir.")
        if any(one.source == STDIN for one in self.inputs):
            raise UsageError("A fleet cannot read standard input.", "Name files, or leave --fleet out.")
        for one in self.inputs:
            if not store.is_store(one.source.reveal()) and scheme_of(one.source.reveal()) is not None:
                raise UsageError(f"{one.source} is watched live, and others are files.", "Watch it in another call.")
        found = [pair for one in self.inputs for pair in _expanded(one)]
        found = list({one.source.reveal(): (one, file) for one, file in found}.values())
        inputs = [one for one, _ in found]
        targets = self._targets(inputs, wanted, tell)
        jobs = [_job(one, file, made) for (one, file), made in zip(found, targets, strict=True)]
        if len({job.name for job in jobs}) < len(jobs):
            raise UsageError("Two videos have the same name without login and query.", "Rename one of them.")
        return tuple(jobs)

    def _targets(
        self, inputs: Sequence[Input], wanted: Wanted, tell: Callable[[str], None]
    ) -> Iterator[tuple[Target, ...]]:
        formats = tuple(dict.fromkeys(wanted.formats)) or (DEFAULT_FORMAT,)
        if self.folder is None and wanted.folder is not None:
            planned = plan(inputs, replace(wanted, existing=Existing.OVERWRITE), tell)
            yield from (job.targets for job in planned)
            return
        if self.folder is not None:
            names = distinct(inputs, partial(below, Path()), formats[0], tell)
            yield from (tuple(_target(self.folder, name, one) for one in formats) for name in names)
            return
        if not all(store.is_store(one.source.reveal()) for one in inputs):
            raise UsageError("Some videos are in a store, and others are not.", "Add --output-dir.")
        for one, name in zip(inputs, distinct(inputs, _beside, formats[0], tell), strict=True):
            folder = SourceAddress(one.source.reveal().rpartition("/")[0])
            yield tuple(_target(folder, Path(name.name), format_) for format_ in formats)


def _expanded(one: Input) -> list[tuple[Input, store.StoredFile | None]]:
    """The videos that an input stands for."""
    address = one.source
    if not store.is_store(address.reveal()):
        return [(one, None)]
    folder, parts = store.split_pattern(address)
    found = store.find(folder, parts, lambda name: PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        what = "No video matches" if parts else "There is no video in the folder"
        raise InputError(f"{what} {address}.", "Check its name.")
    scheme, _, rest = folder.reveal().rstrip("/").partition("://")
    above = PurePosixPath(rest)
    own = above.name if len(above.parts) > 1 else ""  # of a host or bucket, nothing is mirrored
    pairs: list[tuple[Input, store.StoredFile | None]] = []
    for path in sorted(found):
        mirrored = Path(own, path) if path else Path(above.name)
        pairs.append(
            (Input(found[path].address if path else address, mirrored, Path(scheme, above.parent)), found[path])
        )
    return pairs


def _beside(one: Input, detail: int) -> Path | None:
    """``one``, then ``one.mkv``, in the video's own folder."""
    path = Path(one.source.reveal().partition("://")[2])
    return (path.with_name(path.stem), path)[detail] if detail < 2 else None


def _target(folder: SourceAddress, name: Path, format_: Format) -> StoredTarget:
    path = Path(f"{name}.{format_}")
    return StoredTarget(format_, path, store.below(folder, path.as_posix()), store.below(folder, PARTS))


def _job(one: Input, file: store.StoredFile | None, targets: tuple[Target, ...]) -> StoredJob:
    if file is None:
        return StoredJob(one.source, targets)
    shown = str(one.source)  # without login and query
    return StoredJob(one.source, targets, name=shown, fetched=True, size=file.size, version=file.version)
