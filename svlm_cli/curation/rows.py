"""Rows of annotation files, parsed as in training: the video, the span, and any problem.

A file is read once, line by line; batches of lines are checked, in several processes if possible. Opens no video.
"""

import math
import os
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.core.workers import start_workers
from svlm_cli.jsonl.seeks import is_index
from svlm_cli.training.records import BadRecordError, parse_record

_BATCH_LINES: Final = 500
_BATCH_BYTES: Final = 1 << 20
_AHEAD: Final = 2  # batches per process

Line = tuple[int, int, bytes]  # (number, offset, text)


class ReadRow(NamedTuple):
    """A parsed line; without a video if it is invalid."""

    number: int
    offset: int
    length: int
    video: str  # absolute path
    first_s: float  # start of its first second
    last_s: float  # start of its last second
    fault: str  # the end of a sentence; empty if there is no problem


class RowFile:
    """The lines of an annotation file. After reading, `offsets` and `index_line` are complete."""

    def __init__(self, path: Path, videos: Path | None) -> None:
        self.path = path
        self.offsets = array("Q")  # of its rows
        self.index_line: bytes | None = None  # its own seek index, if the last line is one
        self._videos = videos or path.parent

    def rows(self, judges: "Judges") -> Iterator[list[ReadRow]]:
        """All rows in order, in batches. Raises `InputError`."""
        return judges.judged(self._batches(), str(self._videos))

    def _batches(self) -> Iterator[list[Line]]:
        batch: list[Line] = []
        size = 0
        for line in self._lines():
            if size + len(line[2]) > _BATCH_BYTES or len(batch) == _BATCH_LINES:
                yield batch
                batch, size = [], 0
            batch.append(line)
            size += len(line[2])
        if batch:
            yield batch

    def _lines(self) -> Iterator[Line]:
        """All non-blank lines, without an index at the end."""
        offset, waiting = 0, None
        try:
            with self.path.open("rb") as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        if waiting is not None:
                            self.offsets.append(waiting[1])
                            yield waiting
                        waiting = (number, offset, text)
                    offset += len(text)
        except OSError as error:
            name = plain_text(str(self.path))
            raise InputError(f"{name} cannot be read: {error.strerror}.", "Check its name.") from error
        if waiting is not None and is_index(waiting[2]):
            self.index_line = waiting[2]
        elif waiting is not None:
            self.offsets.append(waiting[1])
            yield waiting


class Judges(Closing):
    """Checks rows in `jobs` processes, which are started if there is more than one batch."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def judged(self, batches: Iterator[list[Line]], videos: str) -> Iterator[list[ReadRow]]:
        """The batches in order."""
        begun: deque[Future[list[ReadRow]]] = deque()
        for index, batch in enumerate(batches):
            if self._jobs == 1 or (index == 0 and self._pool is None):
                yield judge_rows(batch, videos)
                continue
            self._pool = self._pool or start_workers(self._jobs)
            begun.append(self._pool.submit(judge_rows, batch, videos))
            if len(begun) > self._jobs * _AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def judge_rows(batch: Sequence[Line], videos: str) -> list[ReadRow]:
    """Parse each line; relative paths of videos are relative to the folder `videos`."""
    return [_row(number, offset, text, Path(videos)) for number, offset, text in batch]


def _row(number: int, offset: int, text: bytes, videos: Path) -> ReadRow:
    try:
        record = parse_record(text, "", videos)
    except BadRecordError as error:
        return ReadRow(number, offset, len(text), "", 0.0, 0.0, str(error))
    last_s = record.start_s + math.ceil(record.end_s - record.start_s) - 1
    return ReadRow(number, offset, len(text), os.path.abspath(record.video), record.start_s, last_s, "")  # noqa: PTH100
