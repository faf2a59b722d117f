"""Which video becomes which file, decided and checked before any model is loaded.

Knows names and formats. Opens nothing.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import refuse_existing
from svlm_cli.outputs.output import Format

STDIN = STDOUT = "-"
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


@dataclass(frozen=True, slots=True)
class Job:
    """One video and what becomes of it."""

    source: str  # a path, or `-`
    targets: tuple[Target, ...]


def plan(
    sources: Sequence[str], *, formats: Sequence[Format] = (), output: str | None = None, overwrite: bool = False
) -> tuple[Job, ...]:
    """The jobs for `sources`: beside each input as `STEM.FORMAT`, or in `output` (a file, or `-` for stdout).

    Raises `UsageError` for a request that makes no sense, `OutputError` for a file that must not be overwritten.
    """
    if sources.count(STDIN) > 1:
        raise UsageError("Standard input can be read once only.")
    if output is not None and len(sources) > 1:
        raise UsageError("One output file cannot take several videos.", "Leave -o out: each gets its own file.")
    jobs = tuple(Job(source, _targets(source, tuple(dict.fromkeys(formats)), output)) for source in sources)
    _refuse_collisions(jobs)
    for job in jobs:
        for target in job.targets:
            if target.path is not None and not overwrite:
                refuse_existing(target.path)
    return jobs


def _targets(source: str, formats: tuple[Format, ...], output: str | None) -> tuple[Target, ...]:
    if output is None and source == STDIN:
        output = STDOUT
    if output is None:
        return tuple(Target(one, Path(source).with_suffix(f".{one}")) for one in formats or (DEFAULT_FORMAT,))
    if len(formats) > 1:
        raise UsageError(f"One output cannot have {len(formats)} formats.", "Leave -o out, or ask for one format.")
    if output == STDOUT:
        return (Target(formats[0] if formats else DEFAULT_FORMAT, None),)
    path = Path(output)
    named = Format.from_suffix(path)
    if not formats and named is None:
        raise UsageError(f"The name {output} does not say which format to write.", "Add -f srt, -f vtt or -f jsonl.")
    if formats:
        return (Target(formats[0], path),)
    assert named is not None, "checked above"
    return (Target(named, path),)


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    """No file is written twice, and no input is written over."""
    sources = {_identity(Path(job.source)): job.source for job in jobs if job.source != STDIN}
    takers: dict[str, str] = {}
    for job in jobs:
        for target in job.targets:
            if target.path is None:
                continue
            key = _identity(target.path)
            if key in sources:
                raise UsageError(f"{target.path} is an input and would be written over.", "Choose another -o.")
            if key in takers:
                raise UsageError(
                    f"{takers[key]} and {job.source} would both be written to {target.path}.",
                    "Caption them one by one, each with its own -o.",
                )
            takers[key] = job.source


def _identity(path: Path) -> str:
    return os.path.realpath(path)
