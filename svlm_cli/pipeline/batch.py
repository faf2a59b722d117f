"""Which video becomes which file, decided and checked before any model is loaded.

Knows names and formats. Opens nothing.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from svlm_cli.core.errors import OutputError, OutputExistsError, UsageError
from svlm_cli.core.logins import is_address
from svlm_cli.media.locked import part_of
from svlm_cli.outputs.destination import refuse_closed_output, refuse_unwritable
from svlm_cli.outputs.output import Format
from svlm_cli.pipeline.inputs import STDIN, Input

STDOUT = "-"
DEFAULT_FORMAT = Format.SRT


@dataclass(frozen=True, slots=True)
class Target:
    """One output of a video; no path is stdout."""

    format: Format
    path: Path | None

    @property
    def name(self) -> str:
        """As people call it."""
        return "stdout" if self.path is None else str(self.path)

    @property
    def part(self) -> Path | None:
        """Where its words are until they are complete."""
        return None if self.path is None else part_of(self.path)


@dataclass(frozen=True, slots=True)
class Job:
    """One video and what becomes of it."""

    source: str  # a path, or `-`
    targets: tuple[Target, ...]  # none: all that was wanted is there already

    @property
    def name(self) -> str:
        """As people call it."""
        return "stdin" if self.source == STDIN else self.source


class Existing(Enum):
    """What happens to an output that is there already."""

    REFUSE = auto()
    SKIP = auto()  # each format by itself; looked at again when it is the video's turn
    OVERWRITE = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the outputs are to be: beside each input as `STEM.FORMAT`, below `folder`, or in one `output`."""

    formats: tuple[Format, ...] = ()
    output: str | None = None  # a file, or `-` for stdout
    folder: Path | None = None  # with the inputs' own folders in it; made when something is written
    existing: Existing = Existing.REFUSE

    def __post_init__(self) -> None:
        if self.output is not None and self.folder is not None:
            raise UsageError("-o names one file and --output-dir a folder for all.", "Leave one of them out.")
        for option, path in (("-o", self.output), ("--output-dir", self.folder)):
            if is_address(str(path or "")):
                raise UsageError(f"{option} takes no address.", "Name a place on this machine.")


def plan(inputs: Sequence[Input], wanted: Wanted) -> tuple[Job, ...]:
    """The jobs for `inputs`.

    Raises `UsageError` for a request that makes no sense, `OutputError` for a file that must not be overwritten or
    whose folder cannot be written to, and for a standard output that is closed.
    """
    if wanted.output is not None and len(inputs) > 1:
        raise UsageError(
            "One output file cannot take several videos.", "Leave -o out: each gets its own file. Or use --output-dir."
        )
    jobs = tuple(Job(one.source.reveal(), _targets(one, wanted)) for one in inputs)
    _refuse_collisions(jobs)
    if any(target.path is None for job in jobs for target in job.targets):
        refuse_closed_output()
    if wanted.existing is Existing.SKIP:
        jobs = tuple(map(still_missing, jobs))
    beside = wanted.output is None and wanted.folder is None
    for path in _paths(jobs):
        if not beside or path.parent.exists():  # else the video is not there either: told when it is opened
            refuse_unwritable(path, makes_folders=wanted.folder is not None)
    if wanted.existing is Existing.REFUSE:
        _refuse_existing([path for path in _paths(jobs) if os.path.lexists(path)])
    return jobs


def still_missing(job: Job) -> Job:
    """The job with those of its outputs that are not there by now. A file that has its name is whole."""
    return replace(job, targets=tuple(one for one in job.targets if one.path is None or not one.path.is_file()))


def refuse_done(job: Job, products: int) -> None:
    """Raise `OutputExistsError` if a job has no output left, and so many other things are to be made of its video."""
    if not job.targets and not products:
        raise OutputExistsError(f"{job.name}: what was asked for is there already.")


def _refuse_existing(paths: Sequence[Path]) -> None:
    if not paths:
        return
    others = f", and so do {len(paths) - 1} others" if len(paths) > 1 else ""
    raise OutputError(
        f"{paths[0]} exists already{others}.", "Use --overwrite to replace, or --skip-existing to keep what is there."
    )


def _paths(jobs: Sequence[Job]) -> Iterator[Path]:
    return (target.path for job in jobs for target in job.targets if target.path is not None)


def _targets(one: Input, wanted: Wanted) -> tuple[Target, ...]:
    formats = tuple(dict.fromkeys(wanted.formats))
    if wanted.output is not None:
        return (_only_target(wanted.output, formats),)
    if wanted.folder is None and one.source == STDIN:
        return (_only_target(STDOUT, formats),)
    video = Path(one.source.reveal()) if wanted.folder is None else wanted.folder / one.mirrored
    return tuple(Target(one, video.with_suffix(f".{one}")) for one in formats or (DEFAULT_FORMAT,))


def _only_target(output: str, formats: tuple[Format, ...]) -> Target:
    if len(formats) > 1:
        raise UsageError(f"One output cannot have {len(formats)} formats.", "Use --output-dir, or ask for one format.")
    if output == STDOUT:
        return Target(formats[0] if formats else DEFAULT_FORMAT, None)
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{output} is a folder.", f"Write into it with --output-dir {output}.")
    format_ = formats[0] if formats else Format.from_suffix(path)
    if format_ is None:
        raise UsageError(
            f"The name {output} does not say which format to write.", "Add -f with one of " + ", ".join(Format) + "."
        )
    return Target(format_, path)


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    """No file is written twice, and no input is written over."""
    sources = {_identity(Path(job.source)) for job in jobs if job.source != STDIN}
    takers: dict[str, str] = {}
    for job in jobs:
        for path in _paths([job]):
            key = _identity(path)
            if key in sources:
                raise UsageError(f"{path} is an input and would be written over.", "Choose another name, with -o.")
            if key in takers:
                raise UsageError(
                    f"{takers[key]} and {job.source} would both be written to {path}.",
                    _way_out(takers[key], job.source),
                )
            takers[key] = job.source


def _way_out(first: str, second: str) -> str:
    if Path(first).name == Path(second).name:  # elsewhere, so that their folders were left out
        return "Call svlm in the folder that holds both, or leave --output-dir out."
    return "Caption them one by one, each with its own -o."


def _identity(path: Path) -> str:
    return os.path.realpath(path)
