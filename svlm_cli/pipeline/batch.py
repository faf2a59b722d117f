"""Which video becomes which file, decided and checked before any model is loaded.

Knows names and formats. Opens nothing.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.media.locked import part_of
from svlm_cli.outputs.destination import refuse_unwritable
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
    SKIP = auto()  # each format by itself; a file that has its name is whole
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


def plan(inputs: Sequence[Input], wanted: Wanted) -> tuple[Job, ...]:
    """The jobs for `inputs`.

    Raises `UsageError` for a request that makes no sense, `OutputError` for a file that must not be overwritten or
    whose folder cannot be written to.
    """
    if wanted.output is not None and len(inputs) > 1:
        raise UsageError(
            "One output file cannot take several videos.", "Leave -o out: each gets its own file. Or use --output-dir."
        )
    jobs = tuple(Job(one.source, _targets(one, wanted)) for one in inputs)
    _refuse_collisions(jobs)
    if wanted.existing is Existing.SKIP:
        jobs = tuple(Job(job.source, tuple(target for target in job.targets if not _exists(target))) for job in jobs)
    beside = wanted.output is None and wanted.folder is None
    for path in _paths(jobs):
        if not beside or path.parent.exists():  # else the video is not there either: told when it is opened
            refuse_unwritable(path, makes_folders=wanted.folder is not None)
    if wanted.existing is Existing.REFUSE:
        _refuse_existing([path for path in _paths(jobs) if os.path.lexists(path)])
    return jobs


def _exists(target: Target) -> bool:
    return target.path is not None and target.path.is_file()


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
    video = Path(one.source) if wanted.folder is None else wanted.folder / one.mirrored
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
