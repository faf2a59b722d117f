"""JSON lines files: parsed strictly, and written so that a killed writer loses at most one line.

A writer appends whole lines, and has the file to itself. A last line without its end was left by a killed writer: it is
dropped, and the reader is told. Does not know what the objects mean.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from svlm_cli.checkpoints import toml
from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.jsonl.locked_lines import LockedLines

_MOST_S = 1e9


class LineError(ValueError):
    """What is wrong with an object: the rest of a sentence that begins with "Line 3 of FILE", without its end."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """The objects of a file with their line numbers, and whether an incomplete last line was dropped."""

    path: Path
    rows: tuple[tuple[int, dict[str, Any]], ...]
    torn: bool
    unit: str = "Line"  # what the numbers count

    @property
    def notice(self) -> str:
        """A remark for the user; empty if there is none."""
        name = plain_text(str(self.path))
        return f"The last line of {name} is incomplete and is left out: its writer was stopped." if self.torn else ""

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Turns a `LineError` inside into an `InputError` that names file and line."""
        try:
            yield
        except LineError as error:
            name = plain_text(str(self.path))
            raise InputError(f"{self.unit} {number} of {name} {error}.", "Correct it, or name another file.") from error


def read_data(path: Path) -> bytes:
    """The contents of a file. Raises `InputError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check its name.") from error


def fingerprint_of(path: Path) -> str:
    """Its SHA-256. Raises `InputError`."""
    return hashlib.sha256(read_data(path)).hexdigest()


def parse_lines(path: Path, data: bytes) -> JsonLines:
    """The objects in `data`, the contents of `path`. `InputError` names an invalid line."""
    whole, _, rest = data.rpartition(b"\n")
    lines = whole.split(b"\n")
    torn = bool(rest.strip()) and not is_object(rest)
    if rest.strip() and not torn:  # some editors omit the last line's end
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
        raise LineError(f"is not a JSON object but {shown(value)}")
    return value


def is_object(line: bytes) -> bool:
    """Whether it is a JSON object."""
    try:
        _object(line)
    except LineError:
        return False
    return True


class AppendedLines(Closing):
    """A JSON lines file to append to: `before` is its existing contents, and each `append` adds one line.

    Locked while open; a second writer is refused. Raises `OutputError`, and `InputError` for invalid contents: an
    incomplete last line is dropped, with the first `append`, only if it begins like one of ours (`beginnings`).
    """

    def __init__(self, path: Path, beginnings: tuple[str, ...]) -> None:
        self._lines = LockedLines(path, is_object)
        try:
            data = read_data(path)
            self.before = parse_lines(path, data)
            if self.before.torn:
                _require_ours(self.before, data, beginnings)
        except BaseException:
            self.close()
            raise

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a line. Raises `OutputError`; then the file is unchanged."""
        self._lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n")

    def close(self) -> None:
        """Close and unlock the file."""
        self._lines.close()


def _require_ours(lines: JsonLines, data: bytes, beginnings: tuple[str, ...]) -> None:
    """`InputError` if the incomplete line is someone's own text, which must not be dropped."""
    *before, rest = data.split(b"\n")
    if not any(rest.startswith(one.encode()) or one.encode().startswith(rest) for one in beginnings):
        with lines.at(len(before) + 1):
            raise LineError("is not a line of such a file")


def text(row: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
    """A string in an object. Raises `LineError`."""
    value = row.get(key, default)
    if not isinstance(value, str):
        raise LineError(_wrong(row, key, "a text"))
    return value


def number(row: Mapping[str, Any], key: str) -> float:
    """A number in an object. Raises `LineError`."""
    value = row.get(key)
    if not is_time(value):
        raise LineError(_wrong(row, key, "a number"))
    return float(value)  # type: ignore[arg-type]  # checked by is_time


def whole(row: Mapping[str, Any], key: str, *, most: int = int(_MOST_S)) -> int:
    """An integer in an object, from 0 to `most`. Raises `LineError`."""
    value = row.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise LineError(_wrong(row, key, f"a whole number from 0 to {most}"))
    return value


def texts(row: Mapping[str, Any], key: str, *, least: int, most: int) -> tuple[str, ...]:
    """A list of `least` to `most` non-empty strings in an object. Raises `LineError`."""
    value = row.get(key)
    count = f"{least} to {most}" if least < most else f"{least}"
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise LineError(_wrong(row, key, f"a list of {count} texts"))
    for index, one in enumerate(value):
        if not isinstance(one, str) or not one.strip():
            raise LineError(f"cannot be used: {key}[{index}] must be a text, not {shown(one)}")
    return tuple(value)


def record(kind: Any, row: Any, what: str) -> Any:
    """An object as the dataclass `kind`, with every field present. `LineError` says that it is not a `what`."""
    _require_all(kind, row, what)
    try:
        return toml.Document("it", InputError, [*toml.keys(kind)]).value(kind, row, "")
    except InputError as error:
        raise LineError(f"is not a {what}: {error.message.removeprefix('it: ').rstrip('.')}") from error


def _require_all(kind: Any, row: Any, what: str) -> None:
    for name, inner in get_type_hints(kind).items() if isinstance(row, dict) else ():
        if name not in row:
            raise LineError(f"is not a {what}: {name} is missing")
        if is_dataclass(inner):
            _require_all(inner, row[name], what)


@contextmanager
def inside(place: str) -> Iterator[None]:
    """Adds the part of the object to a `LineError` inside."""
    try:
        yield
    except LineError as error:
        raise LineError(f"({place}) {error}") from error


def is_time(value: Any) -> bool:
    """Whether it can be a number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_S


def _wrong(row: Mapping[str, Any], key: str, expected: str) -> str:
    found = f"not {shown(row[key])}" if key in row else "and it is missing"
    return f"cannot be used: {key} must be {expected}, {found}"
