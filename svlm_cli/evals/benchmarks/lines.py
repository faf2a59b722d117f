"""Files of JSON objects, one a line: read strictly, and written so that a killed writer loses one line at most.

Whoever writes appends whole lines, and alone. A last line without its end is what a killed writer left: it is dropped,
and whoever reads is told. Knows not what the objects mean.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError, OutputBusyError, OutputError
from svlm_cli.core.text import plain_text
from svlm_cli.media.locked import refuse_folder, refuse_special, write_error

_MOST_S = 1e9


class LineError(ValueError):
    """What is wrong with an object: what follows "Line 3 of FILE", without the end of the sentence."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """What a file holds: each object with the number of its line; and whether its last line was torn, and dropped."""

    path: Path
    rows: tuple[tuple[int, dict[str, Any]], ...]
    torn: bool

    @property
    def notice(self) -> str:
        """What people should know of it; empty if there is nothing."""
        name = plain_text(str(self.path))
        return f"The last line of {name} is incomplete and is left out: its writer was stopped." if self.torn else ""

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """A `LineError` inside is an `InputError` that names file and line."""
        try:
            yield
        except LineError as error:
            name = plain_text(str(self.path))
            raise InputError(f"Line {number} of {name} {error}.", "Correct it, or name another file.") from error


def read_data(path: Path) -> bytes:
    """All of a file. Raises `InputError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error


def fingerprint_of(path: Path) -> str:
    """Its SHA-256. Raises `InputError`."""
    return hashlib.sha256(read_data(path)).hexdigest()


def parse_lines(path: Path, data: bytes) -> JsonLines:
    """The objects in `data`, which is what `path` holds. `InputError` names the line that is none."""
    whole, _, rest = data.rpartition(b"\n")
    lines = whole.split(b"\n")
    torn = bool(rest.strip()) and not _is_object(rest)
    if rest.strip() and not torn:  # somebody's editor leaves out the last line's end
        lines.append(rest)
    found = JsonLines(path, (), torn)
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            with found.at(number):
                rows.append((number, _object(line)))
    return JsonLines(path, tuple(rows), torn)


def read_lines(path: Path) -> JsonLines:
    """The objects in a file. Raises `InputError`."""
    return parse_lines(path, read_data(path))


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = strict_json.parse(line)
    except strict_json.JsonError as error:
        raise LineError(f"cannot be used: {error}") from error
    if not isinstance(value, dict):
        raise LineError(f"is no JSON object but {shown(value)}")
    return value


def _is_object(line: bytes) -> bool:
    try:
        _object(line)
    except LineError:
        return False
    return True


class AppendedLines(Closing):
    """A file of JSON lines that grows: `before` is what it held, and each `append` is one whole line.

    It is locked while it is open; a second writer is refused. Raises `OutputError`, and `InputError` for what is in it:
    a torn line is dropped, with the first `append`, only if it begins as one of ours does (`beginnings`).
    """

    def __init__(self, path: Path, beginnings: tuple[str, ...]) -> None:
        self._path = path
        self._mended = False
        self._descriptor = _open_locked(path)
        try:
            data = read_data(path)
            self.before = parse_lines(path, data)
            if self.before.torn:
                _require_ours(self.before, data, beginnings)
        except BaseException:
            self.close()
            raise

    def _end_last_line(self) -> None:
        self._mended = True
        data = read_data(self._path)
        if self.before.torn:
            os.ftruncate(self._descriptor, data.rfind(b"\n") + 1)
        elif data and not data.endswith(b"\n"):
            self._put(b"\n")

    def append(self, row: Mapping[str, Any]) -> None:
        """One more line. Raises `OutputError`; then the file is as it was before."""
        if not self._mended:
            self._end_last_line()
        self._put(json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n")

    def _put(self, data: bytes) -> None:
        size = os.fstat(self._descriptor).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise write_error(self._path, error) from error

    def close(self) -> None:
        """Let others have it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError as error:
                raise OutputError(f"{plain_text(str(self._path))} cannot be written: {error.strerror}.") from error


def empty(path: Path) -> None:
    """Nothing is in a file of lines any more, if nobody is writing it. Raises `OutputError`."""
    descriptor = _open_locked(path)
    try:
        os.ftruncate(descriptor, 0)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        os.close(descriptor)


def _open_locked(path: Path) -> int:
    """A file to append to, which nobody else can open so meanwhile. Raises `OutputError`."""
    refuse_special(path)
    refuse_folder(path)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        name = plain_text(str(path))
        raise OutputBusyError(
            f"Another run is writing {name}.", "Wait for it to end, or choose another name."
        ) from error
    except OSError:
        pass  # a file system without locks
    return descriptor


def _require_ours(lines: JsonLines, data: bytes, beginnings: tuple[str, ...]) -> None:
    """`InputError` if the torn line is somebody's one line of text, which is not ours to drop."""
    *before, rest = data.split(b"\n")
    if not any(rest.startswith(one.encode()) or one.encode().startswith(rest) for one in beginnings):
        with lines.at(len(before) + 1):
            raise LineError("is no line of such a file")


def text(row: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
    """A text of an object. Raises `LineError`."""
    value = row.get(key, default)
    if not isinstance(value, str):
        raise LineError(_wrong(row, key, "a text"))
    return value


def number(row: Mapping[str, Any], key: str) -> float:
    """A number of an object. Raises `LineError`."""
    value = row.get(key)
    if not is_time(value):
        raise LineError(_wrong(row, key, "a number"))
    return float(value)  # type: ignore[arg-type]  # is_time knows


def is_time(value: Any) -> bool:
    """Whether it can be a number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_S


def _wrong(row: Mapping[str, Any], key: str, expected: str) -> str:
    found = f"not {shown(row[key])}" if key in row else "and it is missing"
    return f"cannot be used: {key} must be {expected}, {found}"
