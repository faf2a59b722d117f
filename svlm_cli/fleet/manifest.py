"""What a fleet has done, on disk: a line of JSON for each file that is begun, done, failed or put aside.

A file is the video of a call, or a stretch of one. The manifest is written by the driver alone, beside the outputs, and
only grows: killed at any moment, the same call goes on where it was. What is known counts as long as the video is the
one that it was. A call that has seen every file to its end closes its chapter: what failed then is tried again by the
next call, what is done stays done. Knows neither workers nor what the files hold.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.text import plain_text
from svlm_cli.fleet.stored import StoredJob, StoredTarget
from svlm_cli.jsonl.lines import AppendedLines, LineError, read_lines, text, whole
from svlm_cli.outputs.destination import make_folder
from svlm_cli.pipeline.batch import Job, Target

_DIGITS: Final = 12
_HINT: Final = "Choose another --output-dir."


class FileState(StrEnum):
    """What a line says of a file; the last one counts."""

    TAKEN = "taken"  # by a worker; what became of it, nobody knows if this is the last line
    FAILED = "failed"  # and is to be tried again
    ASIDE = "aside"  # failed too often
    DONE = "done"


_ENDED: Final = "ended"  # the call has seen every file to its end


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What is known of a file."""

    state: FileState
    tries: int = 0  # that failed
    reason: str = ""
    size: int = 0
    modified_ns: int = 0


def manifest_path(jobs: Sequence[Job], folder: Path | None, asked: str) -> Path | None:
    """Where the manifest of a call is that `asked` for such words: in `folder`, else where all outputs lie.

    In the current folder if that is a store; None if nothing is to be written.
    """
    if any(isinstance(one, StoredTarget) for job in jobs for one in (*job.targets, *job.kept)):
        folder = Path.cwd()
    folders = [os.path.abspath(one.path.parent) for job in jobs for one in (*job.targets, *job.kept) if one.path]  # noqa: PTH100
    if not folders:
        return None
    common = Path(os.path.commonpath(folders)) if folder is None else folder
    place = common if folder is not None or os.access(common, os.W_OK) else Path(folders[0])
    return place / f"{kept_name(asked)}.jsonl"


def kept_name(asked: str) -> str:
    """What a call keeps on disk is called, without a suffix: the same for all that ask for the same."""
    return f".svlm-fleet-{hashlib.sha256(asked.encode(errors='surrogateescape')).hexdigest()[:_DIGITS]}"


def read_records(path: Path | None) -> tuple[dict[str, FileRecord], bool]:
    """What a manifest says of each file, by `key_of`, and whether its call has ended. Raises `InputError`."""
    if path is None or not path.is_file():
        return {}, True
    found = read_lines(path)
    records: dict[str, FileRecord] = {}
    ended = True
    for line, row in found.rows:
        with found.at(line):
            ended = row.get("state") == _ENDED
            if not ended:
                records[text(row, "file")] = _record(row)
    return records, ended


@dataclass(frozen=True, slots=True)
class ManifestKey:
    """What a file is called in a manifest, and which version of its video is meant."""

    name: str
    size: int = 0  # zeros if nobody knows
    modified_ns: int = 0

    @classmethod
    def of_file(cls, path: str | os.PathLike[str], more: str = "") -> "ManifestKey":
        """Of a video as it is now, or with `more` of something in it. A name that is no UTF-8 is in hexadecimal."""
        name = os.fsencode(os.path.abspath(path)).decode(errors="backslashreplace")  # noqa: PTH100  resolves no link
        try:
            status = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            return cls(name + more)
        return cls(name + more, status.st_size, status.st_mtime_ns)

    def known(self, records: Mapping[str, FileRecord]) -> FileRecord | None:
        """What records say of this version of it."""
        record = records.get(self.name)
        return (
            record
            if record is not None and (record.size, record.modified_ns) == (self.size, self.modified_ns)
            else None
        )


def key_of(job: Job) -> ManifestKey:
    """Of a job's video. A login is not written down."""
    if isinstance(job, StoredJob) and job.fetched:
        return ManifestKey(str(job.source), job.size, job.version)
    return ManifestKey.of_file(job.source.reveal())


def still_done(job: Job, records: Mapping[str, FileRecord], there: frozenset[Target]) -> bool:
    """Whether all that was asked for is `there`, of the video as it is now."""
    record = key_of(job).known(records)
    return there.issuperset(job.targets) and record is not None and record.state is FileState.DONE


class Manifest(Closing):
    """A manifest to go on with; one run at a time has it. Raises `OutputError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent, _HINT)
        self._lines = AppendedLines(path, ('{"file":', '{"state":'))

    def taken(self, key: ManifestKey, worker: str, tries: int = 0) -> None:
        """A worker has it now. It failed so often before."""
        self._write(key, FileState.TAKEN, worker=worker, tries=tries)

    def failed(self, key: ManifestKey, tries: int, reason: str, *, aside: bool) -> None:
        """It failed for so many times."""
        self._write(key, FileState.ASIDE if aside else FileState.FAILED, tries=tries, reason=plain_text(reason))

    def done(self, key: ManifestKey) -> None:
        """Its outputs have their names."""
        self._write(key, FileState.DONE)

    def end(self, *, all_done: bool) -> None:
        """Every file has come to its end. Where all is done, nothing need be remembered."""
        if all_done:
            self.path.unlink(missing_ok=True)
        else:
            self._lines.append({"state": _ENDED})

    def close(self) -> None:
        """Let others have it."""
        self._lines.close()

    def _write(self, key: ManifestKey, state: FileState, **more: Any) -> None:
        version = {"size": key.size, "modified_ns": key.modified_ns}
        self._lines.append({"file": key.name, "state": state, **version, **more})


def _record(row: Mapping[str, Any]) -> FileRecord:
    try:
        state = FileState(text(row, "state"))
    except ValueError as error:
        raise LineError("cannot be used: state is none that a file has") from error
    return FileRecord(
        state,
        whole(row, "tries") if "tries" in row else 0,
        text(row, "reason", default=""),
        whole(row, "size", most=1 << 62),
        whole(row, "modified_ns", most=1 << 62),
    )
