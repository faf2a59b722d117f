"""Maps videos to output files, checked before any model is loaded.

Knows names and formats. Opens nothing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import OutputExistsError, UsageError
from svlm_cli.core.logins import is_address
from svlm_cli.media.locked import part_of
from svlm_cli.outputs.destination import refuse_closed_output, refuse_unwritable
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.inputs import STDIN, Input
from svlm_cli.pipeline.naming import Template, below, beside, distinct

STDOUT = "-"
DEFAULT_FORMAT = Format.SRT


@dataclass(frozen=True, slots=True)
class Target:
    """One output of a video; without a path, stdout."""

    format: Format
    path: Path | None

    @property
    def name(self) -> str:
        """The name to show."""
        return "stdout" if self.path is None else str(self.path)

    @property
    def part(self) -> Path | None:
        """Where its text is until it is complete."""
        return None if self.path is None else part_of(self.path)


@dataclass(frozen=True, slots=True)
class Job:
    """One source and its outputs: plain picklable data."""

    source: SourceAddress
    targets: tuple[Target, ...]  # empty: all exist already; for cameras and web addresses, `strftime` patterns
    kept: tuple[Target, ...] = ()  # outputs that exist already
    name: str = ""  # the name to show; by default as typed
    said: str = ""  # of a camera, before: follows the context

    def __post_init__(self) -> None:
        if not self.name:
            typed = self.source.reveal()
            object.__setattr__(self, "name", "stdin" if typed == STDIN else typed)


class Existing(Enum):
    """What to do with an output that exists already."""

    REFUSE = auto()
    SKIP = auto()  # per format; checked again when the video's turn comes
    OVERWRITE = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where outputs go: beside each input as `STEM.FORMAT`, below `folder`, or as named by `output`."""

    formats: tuple[Format, ...] = ()
    output: str | None = None  # a `Template`, or `-` for stdout; for cameras, a pattern
    folder: Path | None = None  # mirrors the inputs' folders; created on the first write
    existing: Existing = Existing.REFUSE

    def __post_init__(self) -> None:
        if self.output is not None and self.folder is not None:
            raise UsageError("-o names one file and --output-dir a folder for all.", "Leave one of them out.")
        for option, path in (("-o", self.output), ("--output-dir", self.folder)):
            if is_address(str(path or "")):
                raise UsageError(f"{option} cannot be an address.", "Name a file or folder on this machine.")

    @property
    def makes_folders(self) -> bool:
        """Whether missing folders are created: not for a single name, which may contain a typing error."""
        return self.folder is not None or "{" in (self.output or "")


def plan(inputs: Sequence[Input], wanted: Wanted, tell: Callable[[str], None] = lambda line: None) -> tuple[Job, ...]:
    """The jobs for `inputs`. `tell` is called with names that differ from what one would expect.

    Raises `UsageError` for an invalid request, `OutputError` for a file that must not be replaced or whose folder is
    not writable, and for a closed standard output.
    """
    jobs = tuple(Job(one.source, targets) for one, targets in zip(inputs, _targets(inputs, wanted, tell), strict=True))
    _refuse_collisions(jobs, wanted)
    if any(target.path is None for job in jobs for target in job.targets):
        refuse_closed_output()
    if wanted.existing is Existing.SKIP:
        jobs = tuple(map(still_missing, jobs))
    beside_videos = wanted.output is None and wanted.folder is None
    for path in _paths(jobs):
        if not beside_videos or path.parent.exists():  # else the video does not exist either, which opening it reports
            refuse_unwritable(path, makes_folders=wanted.makes_folders)
    if wanted.existing is Existing.REFUSE:
        refuse_existing([path for path in _paths(jobs) if os.path.lexists(path)])
    return jobs


def still_missing(job: Job) -> Job:
    """The job with the outputs that do not exist yet. A file under its final name is complete."""
    there = tuple(one for one in job.targets if one.path is not None and one.path.is_file())
    return replace(job, targets=tuple(one for one in job.targets if one not in there), kept=job.kept + there)


def refuse_done(job: Job, products: int) -> None:
    """Raise `OutputExistsError` if a job has no output left and no `products` are to be made from its video."""
    if not job.targets and not products:
        raise OutputExistsError(f"{job.name}: all requested outputs exist already.")


def refuse_existing(paths: Sequence[Path | str]) -> None:
    """Raise `OutputExistsError` if there are any of these, which are there already."""
    if not paths:
        return
    others = f", and so do {len(paths) - 1} others" if len(paths) > 1 else ""
    raise OutputExistsError(
        f"{paths[0]} exists already{others}.", "Use --overwrite to replace, or --skip-existing to keep what is there."
    )


def _paths(jobs: Sequence[Job]) -> Iterator[Path]:
    return (target.path for job in jobs for target in job.targets if target.path is not None)


def _targets(inputs: Sequence[Input], wanted: Wanted, tell: Callable[[str], None]) -> Iterator[tuple[Target, ...]]:
    """The targets of each input, in order."""
    formats = tuple(dict.fromkeys(wanted.formats))
    if wanted.output == STDOUT:
        if len(inputs) > 1 and formats != (Format.JSONL,):
            raise UsageError(
                "Several videos can share standard output only as JSON lines.",
                "Add -f jsonl, or leave out -o to get a file for each.",
            )
        return (_to_stdout(formats) for _ in inputs)
    if wanted.output is not None:
        return _named(inputs, Template(wanted.output), formats)
    formats_or_default = formats or (DEFAULT_FORMAT,)
    files = [one for one in inputs if wanted.folder is not None or one.source != STDIN]
    form = beside if wanted.folder is None else partial(below, wanted.folder)
    names = dict(zip(files, distinct(files, form, formats_or_default[0], tell), strict=True))
    return (
        tuple(Target(format_, Path(f"{names[one]}.{format_}")) for format_ in formats_or_default)
        if one in names
        else _to_stdout(formats)
        for one in inputs
    )


def _to_stdout(formats: tuple[Format, ...]) -> tuple[Target, ...]:
    if len(formats) > 1:
        raise _too_many(formats)
    return (Target(formats[0] if formats else DEFAULT_FORMAT, None),)


def _too_many(formats: Sequence[Format]) -> UsageError:
    return UsageError(f"One output cannot have {len(formats)} formats.", "Use --output-dir, or ask for one format.")


def _named(inputs: Sequence[Input], template: Template, formats: tuple[Format, ...]) -> Iterator[tuple[Target, ...]]:
    """Targets named by the template."""
    if len(inputs) > 1 and not template.tells_videos_apart:
        raise UsageError(
            "One output file cannot hold several videos.",
            "Leave -o out: each gets its own file. Or write fields in it, as in -o '{dir}/{stem}.{ext}'.",
        )
    if Path(template.text).is_dir():
        raise UsageError(f"{template.text} is a folder.", f"Write into it with --output-dir {template.text}.")
    if len(formats) > 1 and not template.tells_formats_apart:
        raise _too_many(formats)
    named = Format.from_suffix(Path(template.text))
    if not formats and named is None and not template.tells_formats_apart:
        raise UsageError(
            f"The name {template.text} does not say which format to write.",
            "Add -f with one of " + ", ".join(Format) + ".",
        )
    wanted = formats or (named or DEFAULT_FORMAT,)
    return (tuple(Target(format_, template.name(one, format_)) for format_ in wanted) for one in inputs)


def _refuse_collisions(jobs: Sequence[Job], wanted: Wanted) -> None:
    """Check that no file is written twice, and that no input or temporary file is overwritten."""
    sources = {_identity(Path(job.source.reveal())) for job in jobs if job.source != STDIN}
    takers: dict[str, str] = {}
    for job in jobs:
        for path, key in _places(job):
            if key in sources:
                raise UsageError(f"{path} is an input and would be overwritten.", "Choose another name, with -o.")
            if key in takers:
                way_out = "Caption them one by one, each with its own -o."
                if wanted.output is not None:
                    missing = [field for field in ("{name}", "{parent}", "{ext}") if field not in wanted.output]
                    way_out = f"Add {' or '.join(missing)} to -o."
                raise UsageError(f"{takers[key]} and {job.name} would both be written to {path}.", way_out)
            takers[key] = job.name


def _places(job: Job) -> Iterator[tuple[Path, str]]:
    """All names its outputs have, final and temporary, with the output that each belongs to."""
    for path in _paths([job]):
        place = _identity(path)
        yield path, place
        yield part_of(path), f"{place}.part"


def _identity(path: Path) -> str:
    return os.path.realpath(path)
