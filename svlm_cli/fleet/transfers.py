"""What a worker fetches from stores, and puts there: a video is on its host's disk as long as it is captioned.

Knows neither the engine nor the driver.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import OutputError, SvlmError
from svlm_cli.core.process import start_remover
from svlm_cli.fleet import store
from svlm_cli.fleet.scratch import scratch
from svlm_cli.fleet.stored import StoredJob, StoredTarget
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.pipeline.batch import Job, Target

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A job as it is on this host: `job` has paths in `folder` in the place of addresses."""

    asked: StoredJob
    job: Job
    folder: Path

    def told(self, text: str) -> str:
        """What is said of the copy, said of the original."""
        if self.asked.fetched:
            text = text.replace(path_name(self.job.source.reveal()), self.asked.name)
        for asked, target in zip(self.asked.targets, self.job.targets, strict=True):
            text = text.replace(str(target.path), asked.name)
        return text

    def told_of(self, error: SvlmError) -> SvlmError:
        """The same error about the original."""
        error.message, error.hint = self.told(error.message), self.told(error.hint)
        error.args = (error.message,)
        return error


class Transfers(Closing):
    """The copies of a worker with so many `streams`. Its folder is removed with it, also if its process is killed."""

    def __init__(self, streams: int, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._held = ExitStack()
        self._folder = self._held.enter_context(scratch())
        self._remover: subprocess.Popen[bytes] = start_remover(self._folder)
        self._threads = ThreadPoolExecutor(2 * streams, thread_name_prefix="svlm-store")
        self._copies = 0

    def fetch(self, asked: StoredJob) -> "Future[LocalCopy]":
        """Fetch a job's video, if it is in a store. The future raises `InputError`."""
        self._copies += 1
        copy = _copy_of(asked, self._folder / str(self._copies))
        return self._threads.submit(_fetch, copy)

    def store(self, copy: LocalCopy, error: SvlmError | None) -> "Future[SvlmError | None]":
        """Put the outputs of a job that has ended with an `error`; the future has what came of it. Ends the copy."""
        return self._threads.submit(_store, copy, error, overwrite=self._overwrite)

    def close(self) -> None:
        """Let what is on its way arrive, and remove all copies."""
        self._threads.shutdown(cancel_futures=True)
        self._held.close()
        self._remover.communicate()


def _copy_of(asked: StoredJob, folder: Path) -> LocalCopy:
    source = asked.source
    if asked.fetched:
        source = SourceAddress(str(folder / PurePosixPath(source.reveal()).name))
    targets = tuple(_copied(one, folder / str(index)) for index, one in enumerate(asked.targets))
    return LocalCopy(asked, Job(source, targets, name=asked.name), folder)


def _copied(target: Target, folder: Path) -> Target:
    if not isinstance(target, StoredTarget):
        return target
    assert target.path is not None, "nothing in a store goes to standard output"
    return Target(target.format, folder / target.path.name)


def _fetch(copy: LocalCopy) -> LocalCopy:
    copy.folder.mkdir()
    for _, path in _stored(copy.asked.targets, copy.job.targets):
        path.parent.mkdir()
    if copy.asked.fetched:
        try:
            store.fetch(copy.asked.source, Path(copy.job.source.reveal()))
        except BaseException:
            shutil.rmtree(copy.folder, ignore_errors=True)
            raise
    return copy


def _store(copy: LocalCopy, error: SvlmError | None, *, overwrite: bool) -> SvlmError | None:
    try:
        if not isinstance(error, OutputError):  # else what has its name here may be half
            for target, path in _stored(copy.asked.targets, copy.job.targets):
                if path.exists():
                    part = store.below(target.parts, f"{copy.folder.parent.name}-{copy.folder.name}-{path.name}")
                    store.put(path, target.address, part, overwrite=overwrite)
    except SvlmError as trouble:
        return trouble
    finally:
        shutil.rmtree(copy.folder, ignore_errors=True)
    return None if error is None else copy.told_of(error)


def _stored(asked: Sequence[Target], made: Sequence[Target]) -> list[tuple[StoredTarget, Path]]:
    pairs = zip(asked, made, strict=True)
    return [(one, to.path) for one, to in pairs if isinstance(one, StoredTarget) and to.path is not None]
