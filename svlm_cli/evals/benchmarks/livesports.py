"""LiveSports-3K CC: reads its events, and what models said about them.

Events are JSON lines, one JSON list, or Parquet, which requires pyarrow. Knows no judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core.bounds import shown
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.rows import read_rows
from svlm_cli.jsonl.lines import AppendedLines, JsonLines, LineError, number, parse_lines, read_data, text

EventKey = tuple[str, str]
"""The ids of video and event."""


@dataclass(frozen=True, slots=True)
class SportsEvent:
    """A part of a video, and what people said there."""

    video: str
    video_id: str
    event_id: str
    begin_s: float
    end_s: float
    event_title: str
    preasr_text: str
    event_asr_text: str

    @property
    def key(self) -> EventKey:
        """The event's key in predictions."""
        return self.video_id, self.event_id


@dataclass(frozen=True, slots=True)
class EventPrediction:
    """What a model said about an event."""

    video_id: str
    event_id: str
    begin_s: float
    end_s: float
    pred: str

    @property
    def key(self) -> EventKey:
        """The event's key."""
        return self.video_id, self.event_id

    def to_json(self) -> dict[str, Any]:
        """As in files."""
        return {
            "video_id": self.video_id,
            "event_id": self.event_id,
            "begin": self.begin_s,
            "end": self.end_s,
            "pred": self.pred,
        }


def read_events(path: Path) -> tuple[SportsEvent, ...]:
    """The events of a file, in order. Raises `InputError`, and `UsageError` if Parquet is not supported."""
    lines = read_rows(path, unit="Line")
    found: dict[EventKey, SportsEvent] = {}
    for line, row in lines.rows:
        with lines.at(line):
            one = _event(row)
            if one.key in found:
                raise LineError(f"repeats the event {shown(one.event_id)} of the video {shown(one.video_id)}")
            found[one.key] = one
    if not found:
        raise InputError(f"{path} holds no events.", "Name a file of LiveSports-3K, configuration CC.")
    return tuple(found.values())


def read_predictions(path: Path) -> tuple[dict[EventKey, EventPrediction], str]:
    """Predictions by event, and a notice if the last line is incomplete. Raises `InputError`."""
    lines = parse_lines(path, read_data(path))
    found = _predictions(lines)
    if not found:
        raise InputError(f"{path} holds no predictions.", "Name a file with one line per event.")
    return found, lines.notice


def _predictions(lines: JsonLines) -> dict[EventKey, EventPrediction]:
    found: dict[EventKey, EventPrediction] = {}
    for line, row in lines.rows:
        with lines.at(line):
            one = EventPrediction(*_ids(row), *_span(row), text(row, "pred"))
            if one.key in found:
                raise LineError(f"repeats the event {shown(one.event_id)} of the video {shown(one.video_id)}")
            found[one.key] = one
    return found


class EventPredictionFile(Closing):
    """A prediction file being written, one line per event, after the existing lines.

    Raises `InputError` if the file holds anything else, `OutputError` if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._lines = AppendedLines(path, ('{"video_id":',))
        try:
            self._done = set(_predictions(self._lines.before))
        except BaseException:
            self.close()
            raise
        self.notice = self._lines.before.notice

    def is_done(self, event: EventKey) -> bool:
        """Whether there is a prediction for the event."""
        return event in self._done

    def append(self, one: EventPrediction) -> None:
        """Add one, completely or, if that fails, not at all. Raises `OutputError`."""
        assert one.key not in self._done, "an event is predicted once"
        self._lines.append(one.to_json())
        self._done.add(one.key)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def _event(row: Mapping[str, Any]) -> SportsEvent:
    texts = (text(row, name) for name in ("event_title", "preasr_text", "event_asr_text"))
    return SportsEvent(text(row, "video"), *_ids(row), *_span(row), *texts)


def _ids(row: Mapping[str, Any]) -> EventKey:
    return _id(row, "video_id"), _id(row, "event_id")


def _id(row: Mapping[str, Any], key: str) -> str:
    """A string, or a number, as in some files."""
    value = row.get(key)
    return str(value) if type(value) is int else text(row, key)


def _span(row: Mapping[str, Any]) -> tuple[float, float]:
    return number(row, "begin"), number(row, "end")
