"""Words files: JSON lines, one video with all its words per line. Parsed strictly, line by line, at any size.

In a file, `video` is relative to the file's folder; in this code it never is. Knows no media: a line only names a
video.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text

_LONGEST_LINE: Final = 1 << 28  # a day of speech takes a twentieth
DIGITS: Final = 3  # decimals of times in files: ms
_KEYS: Final = {"video", "duration_s", "title", "category", "language", "source", "segments"}


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word without spaces, and its times."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class SpokenSegment:
    """Words without a long pause: at least one, in time order, within its span."""

    start_s: float
    end_s: float
    words: tuple[TimedWord, ...]

    @property
    def text(self) -> str:
        """The words, joined by spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class SpokenVideo:
    """A video and its segments, sorted and disjoint. Times are the video's own."""

    video: Path
    duration_s: float
    segments: tuple[SpokenSegment, ...]
    title: str = ""
    category: str = ""
    language: str = ""
    source: str = ""  # where the words come from

    @property
    def words(self) -> int:
        """The number of words."""
        return sum(len(segment.words) for segment in self.segments)


class BadLineError(ValueError):
    """What is wrong with a line: the end of a sentence."""


def read_words(path: Path) -> Iterator[SpokenVideo]:
    """The videos of a words file, one by one. `InputError` names file and line."""
    name = plain_text(str(path))
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if not line.strip():
                    continue
                try:
                    yield spoken_video(line, path.parent)
                except BadLineError as error:
                    raise InputError(f"{name}:{number}: {error}.", _hint(line)) from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.", "Check its name.") from error


def _hint(line: bytes) -> str:
    """An incomplete line was left by an interrupted writer."""
    return "Correct it." if line.endswith(b"\n") else "It may be cut off: `svlm data words` again completes the file."


def spoken_video(line: bytes, folder: Path) -> SpokenVideo:
    """Parse one line of a file in `folder`. Raises `BadLineError`."""
    try:
        row = strict_json.parse(line)
    except strict_json.JsonError as error:
        raise BadLineError(str(error)) from error
    _require(isinstance(row, dict), "it is not a JSON object")
    if unknown := sorted(row.keys() - _KEYS):
        raise BadLineError(f"the key {shown(unknown[0])} is unknown")
    video, duration_s = _text(row, "video"), row.get("duration_s")
    _require(video != "" and "\0" not in video, "video names no file")
    _require(is_time(duration_s), f"duration_s is {shown(duration_s)}, not a number of seconds")
    segments = row.get("segments")
    _require(isinstance(segments, list), "segments is not a list")
    return SpokenVideo(
        folder / video,
        float(duration_s),
        _segments(segments),
        *(_text(row, key) for key in ("title", "category", "language", "source")),
    )


def _segments(rows: list[Any]) -> tuple[SpokenSegment, ...]:
    segments: list[SpokenSegment] = []
    for index, row in enumerate(rows):
        name = f"segments[{index}]"
        _require(isinstance(row, dict) and row.keys() == {"start_s", "end_s", "words"}, f"{name} is not a segment")
        start_s, end_s = row["start_s"], row["end_s"]
        _require(is_time(start_s) and is_time(end_s), f"{name} has times that are not numbers of seconds")
        _require(start_s <= end_s, f"{name} ends before it starts")
        if segments:
            _require(segments[-1].end_s <= start_s, f"{name} starts before the segment before it ends")
        segments.append(SpokenSegment(float(start_s), float(end_s), _words(row["words"], name, start_s, end_s)))
    return tuple(segments)


def _words(rows: Any, segment: str, start_s: float, end_s: float) -> tuple[TimedWord, ...]:
    _require(isinstance(rows, list) and len(rows) > 0, f"{segment} has no words")
    words: list[TimedWord] = []
    before_s = start_s
    for index, row in enumerate(rows):
        if fault := _fault_of(row, start_s, end_s, before_s):
            raise BadLineError(f"{segment}.words[{index}] {fault}")
        begin, before_s, text = row
        words.append(TimedWord(float(begin), float(before_s), text))
    return tuple(words)


def _fault_of(row: Any, start_s: float, end_s: float, before_s: float) -> str:
    """What is wrong with a word that follows one ending at `before_s`; formats nothing if it is right."""
    if not (isinstance(row, list) and len(row) == 3):
        return "is not [start, end, word]"
    begin, end, text = row
    if not (is_time(begin) and is_time(end)):
        return "has times that are not numbers of seconds"
    if not start_s <= begin <= end <= end_s:
        return "is not within its segment, or ends before it starts"
    if before_s > begin:
        return "starts before the word before it ends"
    if not (isinstance(text, str) and text.split() == [text]):
        return f"is {shown(text)}, not a word without spaces"
    return ""


def words_line(video: SpokenVideo, folder: Path) -> str:
    """The line of a file in `folder`, with its end."""
    return json.dumps(words_row(video, folder), ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def words_row(video: SpokenVideo, folder: Path) -> dict[str, Any]:
    """The same as an object. Times are rounded to ms, all in the same way, so their order is kept."""
    return {
        "video": relative_name(video.video, folder),
        "duration_s": _rounded(video.duration_s),
        "title": video.title,
        "category": video.category,
        "language": video.language,
        "source": video.source,
        "segments": [
            {
                "start_s": _rounded(segment.start_s),
                "end_s": _rounded(segment.end_s),
                "words": [[_rounded(word.start_s), _rounded(word.end_s), word.text] for word in segment.words],
            }
            for segment in video.segments
        ],
    }


def relative_name(video: Path, folder: Path) -> str:
    """The video relative to `folder`, with links to folders resolved; absolute if they share no root."""
    place, root = Path(identity(video)), Path(os.path.realpath(folder))
    alone = Path(os.path.commonpath((place, root))) == Path(place.anchor)
    return str(place if alone else os.path.relpath(place, root))


def identity(video: Path) -> str:
    """A key that is equal for the same file reached through different folders."""
    return str(Path(os.path.realpath(video.parent)) / video.name)


def _rounded(seconds: float) -> float:
    return round(seconds, DIGITS)


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    _require(isinstance(value, str), f"{key} is {shown(value)}, not a text" if key in row else f"{key} is missing")
    return str(value)


def is_time(value: Any) -> bool:
    """Whether it can be a time in a video."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BadLineError(problem)
