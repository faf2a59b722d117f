"""Annotation files: JSON lines, a two-message conversation each, read strictly.

What is not as it must be is named by file and line, and counted; nothing takes its place. Reads no video: a record only
says which one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a stream; it belongs to the second in which it ends."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """A stretch of one video and what is said in it. Times are the video's own."""

    place: str  # file:line
    video: Path
    start_s: float
    end_s: float
    query: str
    previous: str  # the text in front: context, then what was said before
    words: tuple[SpokenWord, ...]


class BadRecordError(Exception):
    """Why a record cannot be used: the end of a sentence."""


class Skipped:
    """Counts what is skipped, says each with its reason, and ends the run when it is too much."""

    def __init__(self, allowed: int, say: Any) -> None:
        self.count = 0
        self._allowed = allowed
        self._say = say

    def note(self, place: str, reason: str) -> None:
        """`InputError` once more than allowed have been skipped."""
        self.count += 1
        self._say(f"{place}: skipped: {reason}.")
        if self.count > self._allowed:
            raise InputError(
                f"{place}: {reason}; that is record {self.count} that had to be skipped, {self._allowed} are allowed.",
                "Mend the annotation files, or raise data.annotations.bad_allowed.",
            )


def read_records(files: Sequence[Path], videos: Path | None, skipped: Skipped) -> list[Record]:
    """All good records, in order. `videos` is where relative paths start, if not beside the annotation file."""
    return [record for path in files for record in _read_file(path, videos or path.parent, skipped)]


def _read_file(path: Path, videos: Path, skipped: Skipped) -> Iterator[Record]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check data.annotations.files.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            record = parse_record(line, place, videos)
            _require(record.video.is_file(), f"there is no video {record.video}")
        except BadRecordError as error:
            skipped.note(place, str(error))
        else:
            yield record


def parse_record(line: bytes, place: str, videos: Path) -> Record:
    """What a line says; its video is not looked for. Relative paths start at `videos`. Raises `BadRecordError`."""
    try:
        messages = strict_json.parse(line)
    except strict_json.JsonError as error:
        raise BadRecordError(f"it is not valid JSON ({error})") from error
    _require(isinstance(messages, list) and len(messages) == 2, "it is not a list of two messages")
    user, assistant = (_content(message, role) for message, role in zip(messages, ("user", "assistant"), strict=True))
    video, text = _item(user, "video"), _item(user, "text")
    start_s, end_s = _number(video, "video_start"), _number(video, "video_end")
    _require(0 <= start_s < end_s, f"video_start {start_s:g} and video_end {end_s:g} are no stretch of time")
    path = videos / _text(video, "video")
    words = _words(_item(assistant, "text_stream").get("text_stream"), start_s, end_s)
    return Record(place, path, start_s, end_s, _text(text, "text"), _text(text, "previous", ""), words)


def _content(message: Any, role: str) -> list[Any]:
    _require(isinstance(message, dict) and message.get("role") == role, f"it has no message of the {role} in its place")
    content = message.get("content")
    _require(isinstance(content, list), f"the {role}'s content is not a list")
    return list(content)


def _item(content: Sequence[Any], kind: str) -> Mapping[str, Any]:
    found = [item for item in content if isinstance(item, dict) and item.get("type") == kind]
    _require(len(found) == 1, f"it has {len(found)} items of type {kind}, not one")
    return dict(found[0])


def _words(stream: Any, start_s: float, end_s: float) -> tuple[SpokenWord, ...]:
    _require(isinstance(stream, list) and len(stream) > 0, "its text_stream is empty or no list")
    words: list[SpokenWord] = []
    before_s = -math.inf
    for index, entry in enumerate(stream):
        if fault := _fault_of(entry, start_s, end_s, before_s):
            raise BadRecordError(f"text_stream[{index}] {fault}")
        begin, before_s, text = entry
        words.append(SpokenWord(float(begin), float(before_s), text.strip()))
    return tuple(words)


def _fault_of(entry: Any, start_s: float, end_s: float, before_s: float) -> str:
    """What is wrong with a word after one that ends at `before_s`; nothing is formatted for one that is right."""
    if not (isinstance(entry, list) and len(entry) == 3):
        return "is not [start, end, word]"
    begin, end, text = entry
    if not (_is_number(begin) and _is_number(end)):
        return "has times that are no numbers"
    if not (isinstance(text, str) and text.strip()):
        return "has no word"
    if begin > end:
        return "ends before it starts"
    if not start_s < end <= end_s:
        return f"ends at {end:g} s, not in {start_s:g} to {end_s:g} s"
    if before_s > end:
        return "ends before the word before it"
    return ""


def _number(item: Mapping[str, Any], name: str) -> float:
    value = item.get(name)
    _require(_is_number(value), f"{name} is {value!r:.40}, not a number")
    return float(value)  # type: ignore[arg-type]  # just checked


def _text(item: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = item.get(name, default)
    _require(isinstance(value, str), f"{name} is {value!r:.40}, not a text")
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BadRecordError(problem)
