"""The files of a call, and what earlier runs of the same call have done. Opens only the manifest."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.fleet.manifest import FileRecord, FileState, key_of, manifest_path, read_records, still_done
from svlm_cli.pipeline.batch import Existing, Job, Wanted, plan, refuse_existing, still_missing
from svlm_cli.pipeline.inputs import STDIN, Input


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """The jobs of a call, the path of their manifest, and its records of earlier runs."""

    jobs: tuple[Job, ...]
    manifest: Path
    records: Mapping[str, FileRecord]


def plan_files(inputs: Sequence[Input], wanted: Wanted, asked: str, tell: Callable[[str], None]) -> FleetPlan:
    """As `plan`, without what earlier runs of the same call have done. `asked` is everything that decides the words.

    After a call that ended with failures, only the failed files are left, unless all are to be overwritten. Raises as
    `plan`, and `UsageError` for inputs and outputs that workers cannot reach.
    """
    everything = plan(inputs, replace(wanted, existing=Existing.OVERWRITE), tell)
    _refuse_streams(everything)
    path = manifest_path(everything, wanted.folder, asked)
    assert path is not None, "each job has a file to write"
    records, ended = read_records(path)
    if ended and wanted.existing is Existing.OVERWRITE:
        records = {}
    jobs = tuple(_left(job, wanted.existing, records) for job in everything)
    if wanted.existing is Existing.REFUSE:
        taken = [one.path for job in jobs for one in job.targets if one.path is not None and os.path.lexists(one.path)]
        refuse_existing(taken)
    known = {key: one for key, one in records.items() if not ended or one.state is FileState.DONE}
    return FleetPlan(jobs, path, known)


def _left(job: Job, existing: Existing, records: Mapping[str, FileRecord]) -> Job:
    """The job without the targets that are already done."""
    if still_done(job, records):
        return replace(job, targets=(), kept=job.targets)
    begun = key_of(job) in records and records[key_of(job)].state is not FileState.DONE
    if existing is Existing.SKIP or (begun and existing is Existing.REFUSE):
        return still_missing(job)
    return job


def _refuse_streams(jobs: Sequence[Job]) -> None:
    if any(job.source == STDIN for job in jobs):
        raise UsageError("A fleet cannot read standard input.", "Name files, or leave --fleet out.")
    if any(target.path is None for job in jobs for target in job.targets):
        raise UsageError("A fleet writes files, not to standard output.", "Leave -o - or --fleet out.")
