"""Checks annotation files: every row, every video once, every seek index. Each problem is reported once."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from svlm_cli.core.errors import InputError
from svlm_cli.core.reporting import Reporter
from svlm_cli.core.text import plain_text
from svlm_cli.curation.check_store import CheckStore, JudgedRow, NamedVideo
from svlm_cli.curation.picture_span import PictureSpan, look_at
from svlm_cli.curation.rows import Judges, RowFile
from svlm_cli.curation.seeks import fault_of_index
from svlm_cli.jsonl.seeks import index_of
from svlm_cli.outputs.destination import Destination, text_file

_AHEAD = 2  # videos per job
_ROWS_A_LINE = 100_000


@dataclass(frozen=True, slots=True)
class Flaw:
    """A problem, and its reason."""

    place: str  # file:line; for a video or an index, the file
    reason: str  # the end of a sentence; for a video, a sentence that names it
    video: str = ""
    rows: int = 0  # number of affected rows
    first_row: str = ""  # file:line of the first of them

    def told(self) -> str:
        """A message for people."""
        if not self.first_row:
            return f"{self.place}: {self.reason}."
        rows = f"it is in {self.rows} rows, of which the first is" if self.rows > 1 else "it is in"
        return f"{self.reason.rstrip('.')}; {rows} {self.first_row}."

    def to_json(self) -> dict[str, Any]:
        """A message for programs."""
        row: dict[str, Any] = {"place": self.place, "reason": self.reason}
        if self.video:
            row["video"] = self.video
        return row | ({"rows": self.rows, "first_row": self.first_row} if self.first_row else {})


@dataclass(slots=True)
class CheckReport:
    """Counts and times of a check."""

    rows: int = 0
    bad_rows: int = 0
    videos: int = 0
    bad_videos: int = 0
    opened: int = 0  # videos that were not known from an earlier check
    indices: int = 0
    bad_indices: int = 0
    rows_s: float = 0.0  # time spent reading all rows
    videos_s: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether there are no problems."""
        return not (self.bad_rows or self.bad_videos or self.bad_indices)

    def sentence(self) -> str:
        """For people."""
        told = [
            f"{self.rows} rows, {self.bad_rows} of them bad, {self.rows_per_second:.0f} a second",
            f"{self.videos} videos, {self.bad_videos} of them bad, {self.opened} opened",
        ]
        if self.indices:
            told.append(f"{self.indices} seek indices, {self.bad_indices} of them bad")
        return "; ".join(told) + "."

    @property
    def rows_per_second(self) -> float:
        """The rate of reading."""
        return self.rows / self.rows_s if self.rows_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """A summary for programs."""
        return {
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "videos": self.videos,
            "bad_videos": self.bad_videos,
            "videos_opened": self.opened,
            "indices": self.indices,
            "bad_indices": self.bad_indices,
            "rows_per_second": round(self.rows_per_second, 1),
            "rows_s": round(self.rows_s, 3),
            "videos_s": round(self.videos_s, 3),
        }


def check_files(
    files: Sequence[Path],
    videos: Path | None,
    reporter: Reporter,
    *,
    journal: Path | None,
    bad: Path | None,
    good: Path | None,
    overwrite: bool,
    jobs: int,
) -> CheckReport:
    """A whole check. `bad` gets what is wrong, instead of the reporter, and `good` the rows that are not.

    What was found of videos is kept in `journal`, so that the next call need not open them.
    """
    with ExitStack() as stack:
        kept = None if good is None else stack.enter_context(text_file(good, overwrite=overwrite))
        flaws = None if bad is None else stack.enter_context(text_file(bad, overwrite=overwrite))

        def find(flaw: Flaw) -> None:
            if flaws is None:
                reporter.warn(flaw.told())
            else:
                flaws.write(json.dumps(flaw.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n")

        store = stack.enter_context(CheckStore(journal))
        one = Check(files, videos, store, find, jobs=jobs)
        if count := one.read_rows(reporter.show):
            with reporter.counting("videos", count) as advance:
                one.look_at_videos(advance)
        one.judge(kept)
    return one.report


class Check:
    """One check. `find` is called with every problem; `jobs` rows or videos are checked at a time."""

    def __init__(
        self,
        files: Sequence[Path],
        videos: Path | None,
        store: CheckStore,
        find: Callable[[Flaw], None],
        *,
        jobs: int,
    ) -> None:
        self.report = CheckReport()
        self._files = [path for path in files if path not in {index_of(one) for one in files if one.is_file()}]
        self._videos, self._store, self._find, self._jobs = videos, store, find, jobs

    def read_rows(self, tell: Callable[[str], None]) -> int:
        """Read all rows and indices, reporting progress; return the number of videos. Raises `InputError`."""
        begun_s, told = time.monotonic(), 0
        with Judges(self._jobs) as judges:
            for number, path in enumerate(self._files):
                file = RowFile(path, self._videos)
                for rows in file.rows(judges):
                    self._store.add_rows(number, rows)
                    self.report.rows += len(rows)
                    if self.report.rows // _ROWS_A_LINE > told:
                        told = self.report.rows // _ROWS_A_LINE
                        tell(f"svlm: {self.report.rows} rows are read")
                self._check_indices(file)
        self.report.rows_s = time.monotonic() - begun_s
        if not self.report.rows:
            raise InputError("There is no row in the annotation files.", "Check their names.")
        self.report.videos = self._store.count_videos()
        return self.report.videos

    def _check_indices(self, file: RowFile) -> None:
        beside = index_of(file.path)
        found = [] if file.index_line is None else [(f"The last line of {_name(file.path)}", file.index_line)]
        try:
            found.append((_name(beside), beside.read_bytes()))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InputError(f"{_name(beside)} cannot be read: {error.strerror}.", "Check its permissions.") from error
        for place, line in found:
            self.report.indices += 1
            if fault := fault_of_index(line, file.offsets):
                self.report.bad_indices += 1
                self._find(Flaw(place, f"as an index of {_name(file.path)} it is wrong: {fault}"))

    def look_at_videos(self, tell: Callable[[int], None]) -> None:
        """Open each video that has changed since its last check, reporting progress."""
        begun_s = time.monotonic()
        for done, (video, status, found) in enumerate(self._looked_at(), 1):
            if found is not None:
                self._store.note(video, status, found)
                self.report.opened += 1
            tell(done)
        self.report.videos_s = time.monotonic() - begun_s

    def _looked_at(self) -> Iterator[tuple[NamedVideo, os.stat_result | None, PictureSpan | None]]:
        """Each video with the findings, or None if these are known; in any order."""
        begun: dict[Future[PictureSpan], tuple[NamedVideo, os.stat_result | None]] = {}
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="videos")
        try:
            for video in self._store.videos():
                status = _status(video.path)
                if status is not None and self._store.known(video, status) is not None:
                    yield video, status, None
                    continue
                begun[pool.submit(look_at, video.path, video.last_s)] = video, status
                if len(begun) >= self._jobs * _AHEAD:
                    yield from _finished(begun)
            while begun:
                yield from _finished(begun)
        finally:
            pool.shutdown(cancel_futures=True)

    def judge(self, good: Destination | None) -> None:
        """Report problems, and write the good rows."""
        for video in self._store.videos():
            fault = self._store.fault(video)
            if fault:
                self.report.bad_videos += 1
                first_row = f"{_name(self._files[video.file])}:{video.number}"
                self._find(Flaw(str(video.path), fault, str(video.path), video.rows, first_row))
        with ExitStack() as stack:
            lines = [stack.enter_context(path.open("rb")) for path in self._files] if good is not None else []
            for row in self._store.rows():
                if row.fault:
                    self._find(Flaw(f"{_name(self._files[row.file])}:{row.number}", row.fault, row.video))
                if row.fault or row.video_fault:
                    self.report.bad_rows += 1
                elif good is not None:
                    good.write(_line(lines[row.file], row))


def _finished(
    begun: dict[Future[PictureSpan], tuple[NamedVideo, os.stat_result | None]],
) -> Iterator[tuple[NamedVideo, os.stat_result | None, PictureSpan]]:
    for future in wait(begun, return_when=FIRST_COMPLETED).done:
        video, status = begun.pop(future)
        yield video, status, future.result()


def _line(lines: BinaryIO, row: JudgedRow) -> str:
    lines.seek(row.offset)
    return lines.read(row.length).decode().rstrip("\n") + "\n"


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _name(path: Path) -> str:
    return plain_text(str(path))
