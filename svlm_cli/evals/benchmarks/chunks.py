"""Prediction files for Inf-Streams-Eval: what a model said about long videos, chunk by chunk.

Reads two formats: one line per chunk, which is also the one written, and an older one, an object with a list per video.
Knows no model, and not what is scored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.jsonl.lines import (
    AppendedLines,
    JsonLines,
    LineError,
    is_time,
    number,
    parse_lines,
    read_data,
    text,
)


def video_key(name: str) -> str:
    """``ID`` of ``Folder/ID.mp4``, ``ID.mp4`` and ``ID``."""
    return name.rpartition("/")[2].removesuffix(".mp4")


@dataclass(frozen=True, slots=True)
class CommentedItem:
    """The words at one time."""

    response: str
    start_s: float
    end_s: float

    def to_json(self) -> dict[str, Any]:
        """As in files."""
        return {"response": self.response, "start_time": self.start_s, "end_time": self.end_s}


@dataclass(frozen=True, slots=True)
class CommentedChunk:
    """The words from `start_s` to `end_s` of a video."""

    video: str  # ``ID.mp4``
    start_s: float
    end_s: float
    items: tuple[CommentedItem, ...]

    @property
    def key(self) -> str:
        """The video's file name without suffix."""
        return video_key(self.video)

    def to_json(self) -> dict[str, Any]:
        """As in files."""
        items = [one.to_json() for one in self.items]
        return {"video": self.video, "chunk_start": self.start_s, "chunk_end": self.end_s, "items": items}


@dataclass(frozen=True, slots=True)
class Commentary:
    """Everything a model said. `chunks` is empty for the older format, which does not say which times were covered."""

    items: Mapping[str, tuple[CommentedItem, ...]]  # by video key
    chunks: Mapping[str, tuple[tuple[float, float], ...]]  # by video key, in order and disjoint
    notice: str = ""

    def covers(self, video: str, start_s: float, end_s: float) -> bool:
        """Whether all of that time was commented on, even if in silence.

        The older format is taken to cover the videos that it names, so its silence counts as silence.
        """
        if video not in self.chunks:
            return video in self.items
        reached = start_s
        for first, last in self.chunks[video]:
            if first <= reached:
                reached = max(reached, last)
        return reached >= end_s


def read_commentary(path: Path) -> Commentary:
    """Read either format. `InputError` names the line, or the part, that is wrong."""
    data = read_data(path)
    older = _older_form(path, data)
    if older is not None:
        return older
    lines = parse_lines(path, data)
    if not lines.rows:
        raise InputError(f"{path} holds no predictions.", "Name a file with one line per chunk.")
    return _commentary(_chunks(lines), lines.notice)


def _chunks(lines: JsonLines) -> list[CommentedChunk]:
    found = []
    spans: dict[str, list[tuple[float, float]]] = {}
    for line, row in lines.rows:
        with lines.at(line):
            one = _chunk(row)
            for first, last in spans.setdefault(one.key, []):
                if one.start_s < last and first < one.end_s:
                    raise LineError(f"comments on a time of {shown(one.video)} that a line above has commented on")
            spans[one.key].append((one.start_s, one.end_s))
            found.append(one)
    return found


def _commentary(chunks: Iterable[CommentedChunk], notice: str) -> Commentary:
    by_video: dict[str, list[CommentedChunk]] = {}
    for one in chunks:
        by_video.setdefault(one.key, []).append(one)
    for listed in by_video.values():
        listed.sort(key=lambda one: one.start_s)
    return Commentary(
        {video: tuple(item for one in listed for item in one.items) for video, listed in by_video.items()},
        {video: tuple((one.start_s, one.end_s) for one in listed) for video, listed in by_video.items()},
        notice,
    )


def _chunk(row: Mapping[str, Any]) -> CommentedChunk:
    start_s, end_s = number(row, "chunk_start"), number(row, "chunk_end")
    if end_s <= start_s:
        raise LineError(f"cannot be used: chunk_end, {end_s:g} s, is not after chunk_start, {start_s:g} s")
    return CommentedChunk(text(row, "video"), start_s, end_s, _items(row.get("items"), "items"))


def _items(value: Any, place: str) -> tuple[CommentedItem, ...]:
    if not isinstance(value, list):
        raise LineError(f"cannot be used: {place} must be a list, not {shown(value)}")
    found = []
    for index, one in enumerate(value):
        match one:
            case {"response": str() as said, "start_time": start, "end_time": end} if is_time(start) and is_time(end):
                found.append(CommentedItem(said, float(start), float(end)))
            case _:
                raise LineError(
                    f"cannot be used: {place}[{index}] must have the keys response, start_time and end_time, "
                    f"not be {shown(one)}"
                )
    return tuple(found)


def _older_form(path: Path, data: bytes) -> Commentary | None:
    """None for the newer format, whose objects have the key ``chunk_start`` and may be several."""
    try:
        value = strict_json.parse(data)
    except strict_json.JsonError:
        return None
    if not isinstance(value, dict) or "chunk_start" in value or not value:
        return None
    items = {}
    for video, listed in value.items():
        try:
            items[video_key(video)] = _items(listed, shown(video))
        except LineError as error:
            name = plain_text(str(path))
            raise InputError(f"Line 1 of {name} {error}.", "Correct it, or name another file.") from error
    return Commentary(items, {})


class CommentaryFile(Closing):
    """A prediction file being written, one line per chunk, after the existing lines.

    Raises `InputError` if the file holds anything else, `OutputError` if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lines = AppendedLines(path, ('{"video":',))
        try:
            chunks = _chunks(self._lines.before)
        except BaseException:
            self.close()
            raise
        self.notice = self._lines.before.notice
        self._done: dict[str, float] = {}
        self._starts: set[tuple[str, float]] = set()
        for one in chunks:
            self._note(one)

    def done_s(self, video: str) -> float | None:
        """The largest end of a video's chunks; None if there are none."""
        return self._done.get(video_key(video))

    def holds(self, video: str, start_s: float) -> bool:
        """Whether there is a chunk of the video that starts at `start_s`."""
        return (video_key(video), start_s) in self._starts

    def append(self, chunk: CommentedChunk) -> None:
        """Add a chunk, completely or, if that fails, not at all. Raises `OutputError`."""
        assert chunk.start_s < chunk.end_s, "a chunk lasts"
        self._lines.append(chunk.to_json())
        self._note(chunk)

    def _note(self, chunk: CommentedChunk) -> None:
        self._starts.add((chunk.key, chunk.start_s))
        self._done[chunk.key] = max(self._done.get(chunk.key, chunk.end_s), chunk.end_s)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
