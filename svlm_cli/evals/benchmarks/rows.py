"""Reads the rows of a data set: JSON lines, a JSON list, Parquet (with pyarrow), or CSV.

Knows no data set.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.jsonl.lines import JsonLines, LineError, parse_lines, read_data

_PARQUET: Final = b"PAR1"  # magic bytes


def read_rows(path: Path, *, unit: str = "Row") -> JsonLines:
    """The objects of a JSON lines, JSON list or Parquet file. In the latter two, `unit` names a row in errors.

    Raises `InputError`, and `UsageError` if Parquet is not supported.
    """
    data = read_data(path)
    if data.startswith(_PARQUET):
        return numbered(path, _parquet_rows(path), unit=unit)
    if data.lstrip().startswith(b"["):
        return numbered(path, _list(path, data), unit=unit)
    return parse_lines(path, data)


def read_list(path: Path) -> list[Any]:
    """The items of a JSON list, unchecked. Raises `InputError`."""
    return _list(path, read_data(path))


def _list(path: Path, data: bytes) -> list[Any]:
    with JsonLines(path, (), torn=False).at(1):
        try:
            value = strict_json.parse(data)
        except strict_json.JsonError as error:
            raise LineError(f"cannot be used: {error}") from error
        if not isinstance(value, list):
            raise LineError(f"is not a list but {shown(value)}")
    return value


def numbered(path: Path, rows: Sequence[Any], *, unit: str = "Row") -> JsonLines:
    """The rows with their numbers, from 1. `InputError` if one is not an object."""
    found = JsonLines(path, (), torn=False, unit=unit)
    return JsonLines(path, tuple(_each_object(found, rows)), torn=False, unit=unit)


def _each_object(lines: JsonLines, rows: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, row in enumerate(rows, 1):
        with lines.at(line):
            if not isinstance(row, dict):
                raise LineError(f"is not a JSON object but {shown(row)}")
        yield line, row


def read_csv(path: Path) -> JsonLines:
    """The rows of a CSV file, keyed by its first line, with string values. Raises `InputError`."""
    try:
        text = read_data(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{plain_text(str(path))} is not UTF-8 text.", "Save it as UTF-8.") from error
    found = JsonLines(path, (), torn=False)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    rows: list[tuple[int, dict[str, Any]]] = []
    while (fields := _next(reader, found)) is not None:
        with found.at(reader.line_num):
            if not names:
                if len(set(fields)) < len(fields):
                    raise LineError("cannot be used: it names a column twice")
                names = fields
            elif fields:  # skip empty lines
                if len(fields) != len(names):
                    raise LineError(f"cannot be used: it has {len(fields)} fields, and the first line {len(names)}")
                rows.append((reader.line_num, dict(zip(names, fields, strict=True))))
    return JsonLines(path, tuple(rows), torn=False)


def _next(reader: Any, lines: JsonLines) -> list[str] | None:
    """The next record; None at the end."""
    try:
        fields: list[str] | None = next(reader, None)
    except csv.Error as error:
        with lines.at(reader.line_num):
            raise LineError(f"cannot be used: {error}") from error
    return fields


def _parquet_rows(path: Path) -> list[Any]:
    if find_spec("pyarrow") is None:
        raise UsageError(
            f"{path} is a Parquet file, which needs pyarrow to be read.",
            "Install pyarrow, or name a file of JSON lines.",
        )
    import pyarrow
    from pyarrow import parquet

    try:
        rows: list[Any] = parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet.", "Fetch it again.") from error
    return rows
