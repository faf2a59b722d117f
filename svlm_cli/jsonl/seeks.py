"""Seek indices of JSON lines files: the byte offset of each line, as one JSON list; and random access to lines.

Published data sets have it as ``X_seeks.jsonl`` beside ``X_with_seeks.jsonl``, or as the last line of the file itself.
Does not know what the lines say.
"""

import re
from array import array
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text

_MARK: Final = "_with_seeks"
_LIST: Final = re.compile(rb"\s*\[([\d,\s]*)\]\s*")
_AT_ONCE: Final = 1 << 20  # in bytes
_TRIED: Final = 256  # lines that are checked before any is used


class StaleIndexError(InputError):
    """A seek index for another file, or for an earlier state of its own."""


def index_of(path: Path) -> Path:
    """The path of a file's index, if it is a separate file."""
    return path.with_name(f"{path.stem.removesuffix(_MARK)}_seeks{path.suffix}")


def is_index(line: bytes) -> bool:
    """Whether a line is an index, and not a record, which is a list of objects."""
    begin = line.lstrip()[:64]
    return begin.startswith(b"[") and begin[1:].lstrip()[:1] in (b"]", *(b"%d" % digit for digit in range(10)))


class SeekableLines:
    """A file whose lines are read on demand, and checked. Threads may share it."""

    def __init__(self, path: Path, offsets: "array[int]", stop: int, index: str) -> None:
        """The last line ends at `stop`; `index` is the index's name in errors."""
        self.path = path
        self._offsets, self._stop, self._index = offsets, stop, index

    @classmethod
    def open(cls, path: Path, say: Callable[[str], None]) -> Self:
        """Uses the index beside the file, or in its last line; without one, all lines are located, and `say` is told.

        `InputError` if the file or its index cannot be read, `StaleIndexError` if they do not match.
        """
        name = plain_text(str(path))
        try:
            at, last = _last_line(path)
            stop = at if is_index(last) else path.stat().st_size
            beside = index_of(path)
            if beside.is_file():
                index, offsets = plain_text(str(beside)), _offsets(beside.read_bytes())
            elif is_index(last):
                index, offsets = f"The last line of {name}", _offsets(last)
            else:
                say(f"{name} has no seek index, so all of it is read once to find its lines.")
                index, offsets = name, array("q", _found(path))
        except OSError as error:
            named = plain_text(str(error.filename or path))
            raise InputError(f"{named} cannot be read: {error.strerror}.", "Check its name.") from error
        lines = cls(path, offsets if offsets is not None else array("q"), stop, index)
        lines._check(readable=offsets is not None)
        return lines

    def __len__(self) -> int:
        return len(self._offsets)

    def line(self, number: int) -> bytes:
        """The line with that index, counted from 0. `StaleIndexError` if the offset is not that of a line."""
        begin = self._offsets[number]
        stop = self._offsets[number + 1] if number + 1 < len(self) else self._stop
        before = min(begin, 1)
        try:
            with self.path.open("rb") as file:
                file.seek(begin - before)
                text = file.read(before + stop - begin)
        except OSError as error:
            name = plain_text(str(self.path))
            raise InputError(f"{name} cannot be read: {error.strerror}.", "Check its name.") from error
        line = text[before:].rstrip()
        if len(text) != before + stop - begin or not line or b"\n" in line or text[:before] not in (b"", b"\n"):
            raise self._stale(f"line {number + 1} is not at byte {begin}")
        return line

    def _check(self, *, readable: bool) -> None:
        """Check order and length of the index, and lines all over the file."""
        if not readable:
            raise self._stale("it is not a list of whole numbers")
        if self._stop and (not self._offsets or self._offsets[0] != 0):
            raise self._stale("it does not begin with the first line")
        for number, (begin, following) in enumerate(pairwise(self._offsets), 1):
            if begin >= following:
                raise self._stale(f"line {number + 1} begins before line {number}")
        last = len(self) - 1
        for number in sorted({last * part // _TRIED for part in range(_TRIED + 1)} if last >= 0 else ()):
            self.line(number)

    def _stale(self, fault: str) -> StaleIndexError:
        name = plain_text(str(self.path))
        return StaleIndexError(
            f"{self._index} is not an index of {name}: {fault}.",
            "Delete it, so that svlm finds the lines by reading the whole file, or write the index again.",
        )


def _offsets(text: bytes) -> "array[int] | None":
    """The offsets in an index; None if it is none."""
    found = _LIST.fullmatch(text)
    if found is None:
        return None
    try:
        return array("q", map(int, found[1].split(b",")) if found[1].strip() else ())
    except (ValueError, OverflowError):
        return None


def _found(path: Path) -> Iterator[int]:
    """The offset of each line, skipping blank ones."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset
            offset += len(line)


def _last_line(path: Path) -> tuple[int, bytes]:
    """The last non-blank line, and its offset. Does not read the rest of the file."""
    with path.open("rb") as file:
        start = file.seek(0, 2)
        text = b""
        while start > 0:
            size = min(_AT_ONCE, start)
            start -= size
            file.seek(start)
            text = file.read(size) + text
            if (end := text.rstrip().rfind(b"\n")) >= 0:
                return start + end + 1, text[end + 1 :]
    return 0, text
