"""Finds the JPEG pictures in a byte stream, whatever stands between them. Knows no connection.

Cameras write boundaries, lengths and types between pictures as they like, or none at all. A JPEG itself says where it
ends.
"""

import re
from collections.abc import Iterator

MOST_BYTES = 32 * 1024 * 1024  # per picture
BEGIN = b"\xff\xd8\xff"
_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # the first marker that ends the entropy-coded data or part of it
_END, _SCAN, _AGAIN = 0xD9, 0xDA, 0xD8
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length


class JpegReader:
    """Takes bytes as they arrive, and yields each picture as soon as it is complete."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._at = 0  # where to continue in the buffer; 0 outside a picture
        self._in_scan = False

    def read(self, piece: bytes) -> Iterator[bytes]:
        """Yield the pictures that `piece` completes."""
        self._kept += piece
        while self._begin():
            whole = self._is_whole()
            if whole is None:
                return
            if whole:
                yield bytes(self._kept[: self._at])
            self._drop(self._at if whole else len(BEGIN) - 1)

    def _begin(self) -> bool:
        """Whether the buffer begins with a picture; drops the bytes before it."""
        if self._at:
            return True
        found = self._kept.find(BEGIN)
        if found < 0:
            del self._kept[: max(0, len(self._kept) - len(BEGIN) + 1)]
            return False
        self._drop(found)
        self._at = 2
        return True

    def _is_whole(self) -> bool | None:
        """Whether the picture ends at the current position; None if more data is needed, False if it is invalid."""
        while len(self._kept) <= MOST_BYTES:
            if self._in_scan:
                found = _IN_SCAN.search(self._kept, self._at)
                if found is None:
                    self._at = max(self._at, len(self._kept) - 1)
                    return None
                self._at, self._in_scan = found.start(), False
            if len(self._kept) < self._at + 2:
                return None
            first, marker = self._kept[self._at : self._at + 2]
            if first != 0xFF or marker == _AGAIN:
                return False
            self._at += 1 if marker == 0xFF else 2
            if marker == _END:
                return True
            if marker == 0xFF or marker in _ALONE:
                continue
            if len(self._kept) < self._at + 2:
                self._at -= 2
                return None
            self._at += int.from_bytes(self._kept[self._at : self._at + 2])
            self._in_scan = marker == _SCAN
        return False

    def _drop(self, count: int) -> None:
        del self._kept[:count]
        self._at, self._in_scan = 0, False
