"""Annotation files: JSON Lines, each a two-message conversation, parsed strictly.

Bad records are reported by file and line, and counted; they are not replaced. Reads no video: a record only names one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.seeks import is_index
from svlm_cli.training.annotation_recipe import AnnotationRecipe


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a stream; it belongs to the second in which it ends."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class StreamQuestion:
    """A question that is asked while the video plays, and its answer."""

    asked_s: float  # belongs to the second (n, n + 1] that contains it
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Record:
    """A stretch of one video with its words. Times are the video's own."""

    place: str  # file:line
    video: Path
    start_s: float
    end_s: float
    query: str
    previous: str  # the text before it: context, then earlier words
    words: tuple[SpokenWord, ...]
    questions: tuple[StreamQuestion, ...] = ()


class BadRecordError(Exception):
    """Why a record cannot be used: the end of a sentence."""


class Skipped:
    """Counts and reports what is skipped, and ends the run if it is too much."""

    def __init__(self, allowed: int, say: Any, share: float = 0.0) -> None:
        """`allowed` may be skipped, plus `share` of all that were taken."""
        self.count = 0
        self.taken = 0  # records and windows, including skipped ones
        self._allowed, self._share = allowed, share
        self._say = say

    @classmethod
    def of(cls, annotations: AnnotationRecipe, say: Any) -> Self:
        """As a recipe allows."""
        return cls(annotations.bad_allowed, say, annotations.bad_share)

    def note(self, place: str, reason: str) -> None:
        """Report one; `InputError` if more than allowed have been skipped."""
        self.count += 1
        self._say(f"{place}: skipped: {reason}.")
        if self.count <= self._allowed + self._share * self.taken:
            return
        share = f", and {100 * self._share:g} % of the {self.taken} so far" if self._share else ""
        allowed = f"{self._allowed} are allowed{share}"
        raise InputError(
            f"{place}: {reason}; that is record {self.count} that had to be skipped, {allowed}.",
            "Correct the annotation files, or raise data.annotations.bad_allowed or bad_share.",
        )


def read_records(files: Sequence[Path], videos: Path | None, skipped: Skipped) -> list[Record]:
    """All good records, in order. `videos` is the base of relative paths, by default the annotation file's folder."""
    return [record for path in files for record in _read_file(path, videos or path.parent, skipped)]


def _read_file(path: Path, videos: Path, skipped: Skipped) -> Iterator[Record]:
    try:
        lines = path.read_bytes().rstrip().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check data.annotations.files.") from error
    if is_index(lines[-1]):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        skipped.taken += 1
        try:
            record = record_of(line, place, videos)
        except BadRecordError as error:
            skipped.note(place, str(error))
        else:
            yield record


def record_of(line: bytes, place: str, videos: Path) -> Record:
    """Parse a line, and check that its video exists. Raises `BadRecordError`."""
    record = parse_record(line, place, videos)
    _require(record.video.is_file(), f"there is no video {record.video}")
    return record


def parse_record(line: bytes, place: str, videos: Path) -> Record:
    """Parse a line without looking for its video. Relative paths start at `videos`. Raises `BadRecordError`."""
    try:
        messages = strict_json.parse(line)
    except strict_json.JsonError as error:
        raise BadRecordError(f"it is not valid JSON ({error})") from error
    _require(isinstance(messages, list) and len(messages) == 2, "it is not a list of two messages")
    user, assistant = (_content(message, role) for message, role in zip(messages, ("user", "assistant"), strict=True))
    video, text = _item(user, "video"), _item(user, "text")
    start_s, end_s = _number(video, "video_start"), _number(video, "video_end")
    _require(0 <= start_s < end_s, f"video_start {start_s:g} and video_end {end_s:g} are not a stretch of time")
    path = videos / _text(video, "video")
    said = _item(assistant, "text_stream")
    words = _words(said.get("text_stream"), start_s, end_s)
    questions = _questions(said.get("qa_stream", []), start_s, end_s)
    return Record(place, path, start_s, end_s, _text(text, "text"), _text(text, "previous", ""), words, questions)


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
    """What is wrong with a word that follows one ending at `before_s`; formats nothing if it is right."""
    if not (isinstance(entry, list) and len(entry) == 3):
        return "is not [start, end, word]"
    begin, end, text = entry
    if not (_is_number(begin) and _is_number(end)):
        return "has times that are not numbers"
    if not (isinstance(text, str) and text.strip()):
        return "has no word"
    if begin > end:
        return "ends before it starts"
    if not start_s < end <= end_s:
        return f"ends at {end:g} s, not in {start_s:g} to {end_s:g} s"
    if before_s > end:
        return "ends before the word before it"
    return ""


def _questions(stream: Any, start_s: float, end_s: float) -> tuple[StreamQuestion, ...]:
    _require(isinstance(stream, list), "its qa_stream is not a list")
    questions: list[StreamQuestion] = []
    before_s = -math.inf
    for index, entry in enumerate(stream):
        if fault := _fault_of_question(entry, start_s, end_s, before_s):
            raise BadRecordError(f"qa_stream[{index}] {fault}")
        _, before_s, question, answer = entry
        questions.append(StreamQuestion(float(before_s), question, answer))
    return tuple(questions)


def _fault_of_question(entry: Any, start_s: float, end_s: float, before_s: float) -> str:
    if not (isinstance(entry, list) and len(entry) == 4):
        return "is not [start, time, question, answer]"
    begin, asked, question, answer = entry
    if not (_is_number(begin) and _is_number(asked)):
        return "has times that are not numbers"
    if not all(isinstance(text, str) and text.strip() for text in (question, answer)):
        return "has no question or no answer"
    if not start_s < asked <= end_s:
        return f"is asked at {asked:g} s, not in {start_s:g} to {end_s:g} s"
    if before_s > asked:
        return "is asked before the question before it"
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
