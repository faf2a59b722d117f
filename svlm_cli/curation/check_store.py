"""The state of a check, in a database: rows and videos of this run, and findings about videos of any run.

So millions of rows take no memory, and an interrupted check does not open a video again. Knows no ffmpeg and no JSON.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError, OutputBusyError, OutputError
from svlm_cli.core.text import plain_text
from svlm_cli.curation.picture_span import PictureSpan
from svlm_cli.curation.rows import ReadRow

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS spans (
    video BLOB PRIMARY KEY, size INTEGER, time_ns INTEGER, last_s REAL, fault TEXT, from_s REAL, until_s REAL
) WITHOUT ROWID;
CREATE TEMP TABLE videos (
    id INTEGER PRIMARY KEY, video BLOB UNIQUE, last_s REAL, rows INTEGER, file INTEGER, number INTEGER
);
CREATE TEMP TABLE rows (
    file INTEGER, number INTEGER, start INTEGER, length INTEGER, video INTEGER, first_s REAL, last_s REAL, fault TEXT
);
"""
_COLUMNS: Final = ("video", "size", "time_ns", "last_s", "fault", "from_s", "until_s")


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """A video, the last second that its rows show, their number, and the first of them."""

    path: Path
    last_s: float
    rows: int
    file: int
    number: int


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row, with the findings about its video."""

    file: int
    number: int
    offset: int
    length: int
    video: str
    fault: str  # the end of a sentence; empty if there is no problem
    video_fault: str  # about the whole video, a sentence


class CheckStore(Closing):
    """A database at `journal`, or a temporary one. Raises `OutputError`, and `InputError` if the file is none."""

    def __init__(self, journal: Path | None) -> None:
        self._journal = journal
        with self._errors():
            self._data = sqlite3.connect("" if journal is None else journal, isolation_level=None, timeout=0)
        try:
            with self._errors():
                self._data.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL;")
                self._data.executescript(_TABLES)
                columns = tuple(name for _, name, *_ in self._data.execute("PRAGMA main.table_info(spans)"))
                if columns != _COLUMNS:
                    raise sqlite3.DatabaseError
                self._data.execute("BEGIN EXCLUSIVE")
                self._data.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        name = "The temporary database" if self._journal is None else plain_text(str(self._journal))
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                hint = "Wait for it to end, or choose another name."
                raise OutputBusyError(f"Another check is writing {name}.", hint) from error
            raise OutputError(f"{name} cannot be written: {error}.", "Choose another -o.") from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"{name} is not a journal of a check.", "Remove it, or choose another -o.") from error

    def add_rows(self, file: int, rows: Sequence[ReadRow]) -> None:
        """Add rows of a file, in order."""
        with self._errors():
            self._data.execute("BEGIN")
            self._data.executemany(
                "INSERT INTO videos (video, last_s, rows, file, number) VALUES (?, ?, 1, ?, ?) "
                "ON CONFLICT (video) DO UPDATE SET last_s = max(last_s, excluded.last_s), rows = rows + 1",
                ((os.fsencode(row.video), row.last_s, file, row.number) for row in rows if not row.fault),
            )
            self._data.executemany(
                "INSERT INTO rows SELECT ?, ?, ?, ?, (SELECT id FROM videos WHERE video = ?), ?, ?, ?",
                (
                    (file, row.number, row.offset, row.length, _key(row), row.first_s, row.last_s, row.fault)
                    for row in rows
                ),
            )
            self._data.execute("COMMIT")

    def count_videos(self) -> int:
        """The number of videos in good rows."""
        (found,) = self._data.execute("SELECT count(*) FROM videos").fetchone()
        return int(found)

    def videos(self) -> Iterator[NamedVideo]:
        """All videos, in order of first occurrence."""
        last = 0
        while found := self._data.execute(
            "SELECT id, video, last_s, rows, file, number FROM videos WHERE id > ? ORDER BY id LIMIT 1000",
            (last,),
        ).fetchall():
            for _, video, *rest in found:
                yield NamedVideo(Path(os.fsdecode(video)), *rest)
            last = found[-1][0]

    def known(self, video: NamedVideo, status: os.stat_result) -> PictureSpan | None:
        """The findings about a video for the same question, if it has not changed since."""
        found = self._data.execute(
            "SELECT fault, from_s, until_s FROM spans WHERE video = ? AND size = ? AND time_ns = ? AND last_s = ?",
            (os.fsencode(video.path), status.st_size, status.st_mtime_ns, video.last_s),
        ).fetchone()
        return None if found is None else PictureSpan(*found)

    def fault(self, video: NamedVideo) -> str:
        """The problem of a whole video that was checked: a sentence, or "" if there is none."""
        (found,) = self._data.execute("SELECT fault FROM spans WHERE video = ?", (os.fsencode(video.path),)).fetchone()
        return str(found)

    def note(self, video: NamedVideo, status: os.stat_result | None, found: PictureSpan) -> None:
        """Store findings. A missing video has no size and time, and is checked again in the next run."""
        size, time_ns = (None, None) if status is None else (status.st_size, status.st_mtime_ns)
        key = os.fsencode(video.path)
        with self._errors():
            self._data.execute(
                "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, size, time_ns, video.last_s, found.fault, found.from_s, found.until_s),
            )

    def rows(self) -> Iterator[JudgedRow]:
        """All rows in order, once all videos are checked."""
        cursor = self._data.execute(
            "SELECT rows.file, rows.number, start, length, videos.video, rows.first_s, rows.last_s, rows.fault, "
            "spans.fault, from_s, until_s FROM rows LEFT JOIN videos ON videos.id = rows.video "
            "LEFT JOIN spans ON spans.video = videos.video ORDER BY rows.rowid"
        )
        for file, number, start, length, video, first_s, last_s, unreadable, *found in cursor:
            if video is None:
                yield JudgedRow(file, number, start, length, "", unreadable, "")
                continue
            span = PictureSpan(*found)
            fault = "" if span.fault else span.fault_of(first_s, last_s)
            yield JudgedRow(file, number, start, length, os.fsdecode(video), fault, span.fault)

    def close(self) -> None:
        """Close and unlock the database."""
        self._data.close()


def _key(row: ReadRow) -> bytes | None:
    return None if row.fault else os.fsencode(row.video)
