"""What a supervisor remembers on disk, so that the one that comes after it goes on where it was: an SQLite database.

For each camera: when its clock began, until when there are words, the last of them, and the files they stand in. It is
written about once a second, in one transaction. One call at a time has it. Knows neither workers nor pictures.
"""

import json
import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import OutputBusyError, OutputError
from svlm_cli.outputs.destination import make_folder
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.rotation import FileSpan
from svlm_cli.pipeline.job_files import OpenFile

_EVERY_S: Final = 1.0
_SAID: Final = 2000  # characters: about as many words as the text window of a model holds
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS camera (name TEXT PRIMARY KEY, zero_wall_s REAL, end_s REAL, said TEXT, files TEXT);
CREATE TABLE IF NOT EXISTS call (supervisor INTEGER);
"""


@dataclass(frozen=True, slots=True)
class CameraRecord:
    """What is known of a camera."""

    zero_wall_s: float  # Unix time of its first picture: second 0 of the call's clock
    end_s: float = 0.0  # until when there are rounds, on that clock
    said: str = ""  # the last words
    files: tuple[OpenFile, ...] = ()  # that are being written

    def add(self, end_s: float, text: str) -> "CameraRecord":
        """One more round."""
        said = " ".join(filter(None, (self.said, " ".join(text.split()))))
        if len(said) > _SAID:
            said = said[-_SAID:].partition(" ")[2]
        return replace(self, end_s=end_s, said=said)


class CameraMemory(Closing):
    """The memory of a call, at `path`. Raises `OutputBusyError` if another call has it, and `OutputError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed: dict[str, CameraRecord] = {}
        self._written_s = time.monotonic()
        make_folder(path.parent, "Choose another --output-dir.")
        try:
            self._base = sqlite3.connect(path, timeout=0.0, isolation_level=None)
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("BEGIN EXCLUSIVE")
            for table in filter(None, map(str.strip, _TABLES.split(";"))):
                self._base.execute(table)
            self._base.execute("COMMIT")
            self.records = self._read()
            self._before: int = max([0, *(row[0] for row in self._base.execute("SELECT supervisor FROM call"))])
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise OutputBusyError(
                    f"Another call is watching these cameras; it has {path}.", "Wait until it has ended."
                ) from error
            raise _cannot(path, error) from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise _cannot(path, error) from error

        self._begun = self._before > 0

    @property
    def interrupted(self) -> bool:
        """Whether an earlier call was killed: its workers may still be there."""
        return self._before > 0

    def begin(self) -> int:
        """A supervisor begins. Returns its number: the time, and in any case more than that of the one before."""
        self._begun = True
        number = max(time.time_ns(), self._before + 1)
        try:
            self._base.execute("INSERT INTO call VALUES (?)", (number,))
        except sqlite3.DatabaseError as error:
            raise _cannot(self.path, error) from error
        return number

    def note(self, name: str, record: CameraRecord) -> None:
        """A camera's record has changed. It is written soon."""
        self.records[name] = self._changed[name] = record

    def write(self, *, now: bool = False) -> None:
        """Write what has changed, `now` or when the last time is a while ago.

        Raises `OutputError`; nothing is forgotten then.
        """
        now_s = time.monotonic()
        if not self._changed or (not now and now_s - self._written_s < _EVERY_S):
            return
        self._written_s = now_s
        rows = [
            (name, one.zero_wall_s, one.end_s, one.said, _to_json(one.files)) for name, one in self._changed.items()
        ]
        try:
            self._base.execute("BEGIN")
            try:
                self._base.executemany("INSERT OR REPLACE INTO camera VALUES (?, ?, ?, ?, ?)", rows)
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise _cannot(self.path, error) from error
        self._changed.clear()

    def end(self) -> None:
        """All has come to its end: there is nothing to go on with."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others have it. Of a call that has not begun nothing is left."""
        if not self._begun:
            self.path.unlink(missing_ok=True)
        self._base.close()

    def _read(self) -> dict[str, CameraRecord]:
        rows = self._base.execute("SELECT name, zero_wall_s, end_s, said, files FROM camera")
        return {
            name: CameraRecord(zero_wall_s, end_s, said, _from_json(files))
            for name, zero_wall_s, end_s, said, files in rows
        }


def _to_json(files: Sequence[OpenFile]) -> str:
    return json.dumps([(one.format, os.fsencode(one.path).hex(), astuple(one.span)) for one in files])


def _from_json(text: str) -> tuple[OpenFile, ...]:
    return tuple(
        OpenFile(Format(format_), Path(os.fsdecode(bytes.fromhex(path))), FileSpan(*span))
        for format_, path, span in json.loads(text)
    )


def _cannot(path: Path, error: Exception) -> OutputError:
    return OutputError(f"{path} cannot be used: {error}.", "Delete it to start over, or make room on the disk.")
