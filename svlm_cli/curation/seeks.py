"""Writes and checks the seek index of an annotation file (`jsonl/seeks.py`). Does not know what the lines say."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.outputs.destination import Destination

_AT_ONCE: Final = 10_000


def write_index(offsets: Sequence[int], destination: Destination) -> None:
    """Write it on one line, in pieces."""
    for at in range(0, len(offsets), _AT_ONCE):
        numbers = ", ".join(map(str, offsets[at : at + _AT_ONCE]))
        destination.write(f"{', ' if at else '['}{numbers}")
    destination.write("]\n" if offsets else "[]\n")


def fault_of_index(line: bytes, offsets: Sequence[int]) -> str:
    """What is wrong with an index, given the true offsets: the end of a sentence; empty if it is right."""
    try:
        found = strict_json.parse(line)
    except strict_json.JsonError as error:
        return f"it is not valid JSON ({error})"
    if not isinstance(found, list):
        return "it is not a list"
    if len(found) != len(offsets):
        return f"it lists {len(found)} lines, and there are {len(offsets)}"
    return next(_differences(found, offsets), "")


def _differences(found: Sequence[Any], offsets: Sequence[int]) -> Iterator[str]:
    for number, (said, true) in enumerate(zip_longest(found, offsets), 1):
        if type(said) is not int or said != true:
            yield f"it says that line {number} begins at {said!r:.40}, and it begins at {true}"
