"""Whether an MP4 or Matroska file is complete, by the sizes of its parts and its index.

Reads part headers and skips their contents, so large files take no longer than small ones. Knows neither streams nor
codecs: `media/conversion.py` checks those.
"""

import os
from pathlib import Path
from typing import BinaryIO

_SEGMENT = 0x18538067
_CUES = 0x1C53BB6B
_EBML = 0x1A45DFA3
_LONG_BOX = 1  # special size: the real one follows in eight bytes


def is_whole_mp4(path: Path) -> bool:
    """Whether its boxes fill the file exactly, and include the index ('moov') and the data ('mdat')."""
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
    """Whether its elements fill the file exactly, and include the index ('Cues')."""
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
    """An integer of one to eight bytes; its first set bit gives the length. None at the end, or for an unknown size."""
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
