"""The files of a call, and what earlier runs of the same call have done. Reads the manifest and lists stores."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.fleet.manifest import FileRecord, FileState, key_of, manifest_path, read_records, still_done
from svlm_cli.fleet.stored import StoredTarget, present, still_missing
from svlm_cli.fleet.stored_planning import StoredPlan
from svlm_cli.pipeline.batch import Existing, Job, Target, Wanted, plan, refuse_existing
from svlm_cli.pipeline.inputs import STDIN, Input


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """The jobs of a call, the path of their manifest, and its records of earlier runs."""

    jobs: tuple[Job, ...]
    manifest: Path
    records: Mapping[str, FileRecord]


def plan_files(
    inputs: Sequence[Input],
    wanted: Wanted,
    asked: str,
    tell: Callable[[str], None],
    stored: StoredPlan | None = None,
) -> FleetPlan:
    """As `plan`, without what earlier runs of the same call have done. `asked` is everything that decides the words.

    After a call that ended with failures, only the failed files are left, unless all are to be overwritten. Raises as
    `plan`, and `UsageError` for inputs and outputs that workers cannot reach.
    """
    if stored is None:
        everything = plan(inputs, replace(wanted, existing=Existing.OVERWRITE), tell)
        _refuse_streams(everything)
    else:
        everything = stored.jobs(wanted, tell)
    path = manifest_path(everything, wanted.folder, asked)
    assert path is not None, "each job has a file to write"
    records, ended = read_records(path)
    if ended and wanted.existing is Existing.OVERWRITE:
        records = {}
    there = present(target for job in everything for target in job.targets)
    jobs = tuple(_left(job, wanted.existing, records, there) for job in everything)
    if wanted.existing is Existing.REFUSE:
        refuse_existing([one.name for job in jobs for one in job.targets if one in there or _is_link(one)])
    known = {key: one for key, one in records.items() if not ended or one.state is FileState.DONE}
    return FleetPlan(jobs, path, known)


def _is_link(target: Target) -> bool:
    """To nowhere, perhaps: it is not replaced."""
    return not isinstance(target, StoredTarget) and target.path is not None and os.path.lexists(target.path)


def _left(job: Job, existing: Existing, records: Mapping[str, FileRecord], there: frozenset[Target]) -> Job:
    """The job without the targets that are already done."""
    if still_done(job, records, there):
        return replace(job, targets=(), kept=job.targets)
    record = records.get(key_of(job).name)
    begun = record is not None and record.state is not FileState.DONE
    if existing is Existing.SKIP or (begun and existing is Existing.REFUSE):
        return still_missing(job, there)
    return job


def _refuse_streams(jobs: Sequence[Job]) -> None:
    if any(job.source == STDIN for job in jobs):
        raise UsageError("A fleet cannot read standard input.", "Name files, or leave --fleet out.")
    if any(target.path is None for job in jobs for target in job.targets):
        raise UsageError("A fleet writes files, not to standard output.", "Leave -o - or --fleet out.")
