"""Whether an MP4 or Matroska file is all there, by its own measure: the sizes of its parts, and its index.

Reads the heads of its parts and skips what they hold, so a large file takes no longer than a small one. Knows neither
streams nor codecs: `media/conversion.py` looks at those.
"""

import os
from pathlib import Path
from typing import BinaryIO

_SEGMENT = 0x18538067
_CUES = 0x1C53BB6B
_EBML = 0x1A45DFA3
_LONG_BOX = 1  # instead of a size: it follows in eight bytes


def is_whole_mp4(path: Path) -> bool:
    """Whether its boxes fill the file to the last byte, the index ('moov') and the pictures ('mdat') among them."""
    with path.open("rb") as file:
        end, kinds = os.fstat(file.fileno()).st_size, set()
        while file.tell() < end:
            start, head = file.tell(), file.read(8)
            size = int.from_bytes(head[:4])
            if size == _LONG_BOX:
                size = int.from_bytes(file.read(8))
            if size < file.tell() - start or start + size > end:
                return False
            kinds.add(head[4:])
            file.seek(start + size)
    return {b"moov", b"mdat"} <= kinds


def is_whole_matroska(path: Path) -> bool:
    """Whether its elements fill the file to the last byte, the index ('Cues') among them."""
    with path.open("rb") as file:
        end, ids = os.fstat(file.fileno()).st_size, []
        while file.tell() < end:
            id_, size = _number(file, keep_marker=True), _number(file)
            if id_ is None or size is None or file.tell() + size > end:
                return False
            ids.append(id_)
            if id_ != _SEGMENT:
                file.seek(size, os.SEEK_CUR)
            elif file.tell() + size != end:
                return False
    return ids[:2] == [_EBML, _SEGMENT] and _CUES in ids


def _number(file: BinaryIO, *, keep_marker: bool = False) -> int | None:
    """A number of one to eight bytes, whose first set bit says how many; None for the end, and for an unknown size."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    data = first + file.read(length - 1)
    value, marker = int.from_bytes(data), 1 << 7 * length
    if len(data) < length:
        return None
    if keep_marker:
        return value
    return None if value == 2 * marker - 1 else value - marker
