"""Whether files that are being written are valid as they are: SubRip and JSON lines, read strictly. Pure."""

import json
import re
from itertools import pairwise

_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3})"
_TIMES = re.compile(f"{_TIME} --> {_TIME}")


def srt_faults(text: str) -> list[str]:
    """What is wrong with a SubRip file: numbers, times, order, overlap, a cue that is cut off."""
    if text and not text.endswith("\n\n"):
        return ["the last cue is cut off"]
    faults = []
    last_end_ms = -1
    for number, block in enumerate(text.removesuffix("\n\n").split("\n\n") if text else [], 1):
        lines = block.split("\n")
        match = _TIMES.fullmatch(lines[1]) if len(lines) > 2 else None
        if lines[0] != str(number) or match is None or not all(line.strip() for line in lines):
            faults.append(f"cue {number} is malformed")
            continue
        start_ms, end_ms = _ms(*match.groups()[:4]), _ms(*match.groups()[4:])
        if not last_end_ms <= start_ms < end_ms:
            faults.append(f"cue {number} is out of order or overlaps")
        last_end_ms = end_ms
    return faults


def jsonl_faults(text: str) -> list[str]:
    """What is wrong with a file of rounds: a line cut off, or rounds out of order."""
    if text and not text.endswith("\n"):
        return ["the last line is cut off"]
    try:
        spans = [(row["start"], row["end"]) for row in map(json.loads, text.splitlines())]
    except (ValueError, KeyError, TypeError) as error:
        return [f"a line is malformed: {error}"]
    faults = [f"the round at {start} ends at {end}" for start, end in spans if not start < end]
    return faults + [
        f"the round at {after[0]} overlaps" for before, after in pairwise(spans) if after[0] < before[1] - 1e-3
    ]


def _ms(hours: str, minutes: str, seconds: str, ms: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(ms)
