"""The seek index of an annotation file: where each of its lines begins, in bytes, as one JSON list.

Published sets have it as ``X_seeks.jsonl`` beside ``X_with_seeks.jsonl``, or as the last line of the file itself. Knows
not what the lines say.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.outputs.destination import Destination

_MARK: Final = "_with_seeks"
_AT_ONCE: Final = 10_000


def index_of(path: Path) -> Path:
    """Where the index of an annotation file is, if it is a file of its own."""
    return path.with_name(f"{path.stem.removesuffix(_MARK)}_seeks{path.suffix}")


def write_index(offsets: Sequence[int], destination: Destination) -> None:
    """All of it on one line, in pieces."""
    for at in range(0, len(offsets), _AT_ONCE):
        numbers = ", ".join(map(str, offsets[at : at + _AT_ONCE]))
        destination.write(f"{', ' if at else '['}{numbers}")
    destination.write("]\n" if offsets else "[]\n")


def is_index(line: bytes) -> bool:
    """Whether a line is one, and no record, which is a list of objects."""
    begin = line.lstrip()[:64]
    return begin.startswith(b"[") and begin[1:].lstrip()[:1] in (b"]", *(b"%d" % digit for digit in range(10)))


def fault_of_index(line: bytes, offsets: Sequence[int]) -> str:
    """What is wrong with an index of lines that begin there: the end of a sentence; empty if nothing is."""
    try:
        found = strict_json.parse(line)
    except strict_json.JsonError as error:
        return f"it is not valid JSON ({error})"
    if not isinstance(found, list):
        return "it is no list"
    if len(found) != len(offsets):
        return f"it lists {len(found)} lines, and there are {len(offsets)}"
    return next(_differences(found, offsets), "")


def _differences(found: Sequence[Any], offsets: Sequence[int]) -> Iterator[str]:
    for number, (said, true) in enumerate(zip_longest(found, offsets), 1):
        if type(said) is not int or said != true:
            yield f"it says that line {number} begins at {said!r:.40}, and it begins at {true}"
