"""Segments -> JSON lines, one object a round, silent rounds included. Text stays as it was generated."""

import json
import re

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import Destination

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")  # in a terminal


class JsonlOutput:
    """A file of JSON lines; keys that say nothing are left out."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._failed = False

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        try:
            self._destination.write(json_line(segment))
        except OutputError:
            self._failed = True
            raise

    def close(self) -> None:
        """The file gets its final name. Raises `OutputError`."""
        self._destination.close(complete=not self._failed)


def json_line(segment: Segment) -> str:
    """A round as one line of JSON: times in seconds, ``tokens`` a count. Lone surrogates become U+FFFD."""
    values: dict[str, str | int | float] = {
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"),
        "tokens": len(segment.token_ids),
        "work_s": round(segment.work_s, 4),
    }
    if segment.gap_s > 0:
        values["gap_s"] = round(segment.gap_s, 3)
    if segment.wall_clock_s is not None:
        values["wall_clock_s"] = round(segment.wall_clock_s, 3)
    if segment.dropped > 0:
        values["dropped"] = segment.dropped
    if segment.latency_s is not None:
        values["latency_s"] = round(segment.latency_s, 3)
    line = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line) + "\n"
