"""Subtitles of a benchmark's videos: SubRip, and the JSON lists of LongVideoBench. Knows no question."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Cue
from svlm_cli.evals.benchmarks.rows import numbered, read_list
from svlm_cli.jsonl.lines import LineError, is_time, read_data, text

_TIME: Final = re.compile(r"([0-9]{1,3}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]+)?)")


def read_spoken(path: Path, start_s: float = 0.0) -> tuple[Cue, ...]:
    """The cues of a file, on the clock of a video that starts at `start_s` of the file's. Raises `InputError`.

    Cues that end before the video starts are left out: the file may belong to a longer video.
    """
    cues = _srt(path) if path.suffix == ".srt" else _json(path)
    moved = (Cue(one.start_s - start_s, one.end_s - start_s, one.text) for one in cues)
    return spoken_within(moved, 0.0, None)


def spoken_within(cues: Iterable[Cue], start_s: float | None, end_s: float | None) -> tuple[Cue, ...]:
    """Cues that started by `end_s` and had not ended by `start_s`; None is the video's start or end."""
    return tuple(
        one
        for one in cues
        if (end_s is None or one.start_s < end_s)
        and (start_s is None or one.end_s > start_s or one.start_s >= start_s)  # some have zero length
    )


def _srt(path: Path) -> list[Cue]:
    import srt

    try:
        parsed = list(srt.parse(read_data(path).decode("utf-8-sig")))
    except (ValueError, srt.SRTParseError) as error:
        raise InputError(f"{plain_text(str(path))} cannot be read as SubRip.", "Fetch it again.") from error
    return [
        Cue(one.start.total_seconds(), one.end.total_seconds(), one.content.strip())
        for one in parsed
        if one.content.strip()
    ]


def _json(path: Path) -> list[Cue]:
    lines, found = numbered(path, read_list(path)), []
    for number, row in lines.rows:
        with lines.at(number):
            found.append(_cue(row))
    return found


def _cue(row: Mapping[str, Any]) -> Cue:
    """Either ``{"start": "00:00:01.5", "end": ..., "line": ...}`` or ``{"timestamp": [1.5, 2], "text": ...}``."""
    if "timestamp" not in row:
        return Cue(_seconds(row, "start"), _seconds(row, "end"), text(row, "line").strip())
    match row["timestamp"]:
        case [start, end] if is_time(start) and (end is None or is_time(end)):
            # some have no end, so their duration is unknown
            return Cue(float(start), float(start if end is None else end), text(row, "text").strip())
        case value:
            raise LineError(f"cannot be used: timestamp must be [start, end], not {shown(value)}")


def _seconds(row: Mapping[str, Any], key: str) -> float:
    match = _TIME.fullmatch(text(row, key))
    if match is None:
        raise LineError(f"cannot be used: {key} must be a time like 00:03:10.5, not {shown(row[key])}")
    return 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3])
