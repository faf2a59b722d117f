"""Miniature data sets in the exact formats of the public ones, and predictions for them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSON object a line."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def clip(video: str, content: Sequence[tuple[float, float, str]]) -> dict[str, Any]:
    """A line of ``score_all_clips.jsonl``, or of ``eval_all_metadata.jsonl``."""
    return {"video": video, "content": [list(one) for one in content], "title": "A game", "preasr": "Welcome."}


def game(video: str, content: Sequence[tuple[float, float, str]], preasr: str = "Welcome.") -> dict[str, Any]:
    """A line of ``eval_all_metadata.jsonl``, of a video that people introduce so."""
    return {**clip(video, content), "preasr": preasr}


def item(response: str, end_s: float) -> dict[str, Any]:
    """What was said in the second that ends there."""
    return {"response": response, "start_time": end_s - 1, "end_time": end_s}


def chunk(video: str, start_s: int, end_s: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A line of predictions."""
    return {"video": video, "chunk_start": start_s, "chunk_end": end_s, "items": list(items)}


def event(video_id: str, event_id: str, said: str, *, begin: float = 10.0, end: float = 20.5) -> dict[str, Any]:
    """A row of LiveSports-3K CC."""
    return {
        "video": f"videos/{video_id}.mp4",
        "video_id": video_id,
        "event_id": event_id,
        "begin": begin,
        "end": end,
        "event_title": "A goal",
        "preasr_text": "Here they come.",
        "event_asr_text": said,
    }


def prediction(video_id: str, event_id: str, said: str) -> dict[str, Any]:
    """A line of predictions for LiveSports-3K CC."""
    return {"video_id": video_id, "event_id": event_id, "begin": 10.0, "end": 20.5, "pred": said}


def games(folder: Path, videos: int, *, a: str = "worth 2", b: str = "worth 1", clips: int = 5) -> tuple[Path, ...]:
    """Clips of some games, and two commentaries of them, which say `a` and `b` in each clip."""
    rows: list[dict[str, Any]] = []
    said_a: list[dict[str, Any]] = []
    said_b: list[dict[str, Any]] = []
    for video in range(videos):
        for index in range(clips):
            start = 1000 + 100 * index
            rows.append(
                clip(f"Football/v{video}.mp4", [(start + 0.4, start + 50, "so"), (start + 50, start + 100, "on")])
            )
            for said, text in ((said_a, a), (said_b, b)):
                words = [item(f"{text} in v{video} at {start}", start + 30.0)]
                said.append(chunk(f"v{video}.mp4", start, start + 100, words))
    return (
        write_lines(folder / "score_all_clips.jsonl", rows),
        write_lines(folder / "a.jsonl", said_a),
        write_lines(folder / "b.jsonl", said_b),
    )
