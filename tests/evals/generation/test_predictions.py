"""Rounds -> predictions on disk: which line a round belongs to, and that no line is written twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.livesports import EventPrediction, read_predictions
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.predictions import CommentaryPredictions, EventPredictions
from svlm_cli.evals.generation.stretches import VideoStretch

STRETCH = VideoStretch("a.mp4", Path("a.mp4"), 1000.0, 1230.0, "")


def said(text: str, end_s: float, length_s: float = 1.0) -> SaidRound:
    return SaidRound(end_s - length_s, end_s, text, (1,))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_written_as_soon_as_its_time_is_over(tmp_path: Path) -> None:
    """Guards a run that is killed, and the published form: whole seconds, and no item for silence."""
    path = tmp_path / "a.jsonl"
    with CommentaryPredictions(path) as file:
        one = file.begin(STRETCH)
        for round_ in (said(" One\x1b[2J", 1001.0), said("", 1002.0), said(" ...", 1003.0), said(" two", 1099.5, 0.5)):
            one.add(round_)
        assert lines(path) == []
        one.add(said("three", 1100.0))
        assert lines(path) == [
            {
                "video": "a.mp4",
                "chunk_start": 1000,
                "chunk_end": 1100,
                "items": [
                    {"response": "One", "start_time": 1000, "end_time": 1001},
                    {"response": "two", "start_time": 1099, "end_time": 1099.5},
                    {"response": "three", "start_time": 1099, "end_time": 1100},
                ],
            }
        ]
        one.add(said("four", 1200.5))
        assert not file.is_done(STRETCH)
        one.finish(1230.0)
        assert file.is_done(STRETCH)
    found = read_commentary(path)
    assert found.chunks["a"] == ((1000, 1100), (1100, 1200), (1200, 1230))
    assert [one.response for one in found.items["a"]] == ["One", "two", "three", "four"]


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    """Guards a resumed run, which is told all rounds once more."""
    path = tmp_path / "a.jsonl"
    rounds = [said(f"w{second}", second) for second in range(1001, 1231)]
    for count in (0, 99, 100, 150, 230):
        with CommentaryPredictions(path) as file:
            one = file.begin(STRETCH)
            for round_ in rounds[:count]:
                one.add(round_)
            if count == len(rounds):
                one.finish(1230)
        assert len(lines(path)) == count // 100 + (count == 230)
    assert [one.response for one in read_commentary(path).items["a"]] == [round_.text for round_ in rounds]


@pytest.mark.parametrize("end_s", [1100.0, 1160.0])
def test_what_a_video_does_not_reach_is_not_covered(tmp_path: Path, end_s: float) -> None:
    """Guards against silence that nobody kept."""
    path = tmp_path / "a.jsonl"
    with CommentaryPredictions(path) as file:
        one = file.begin(STRETCH)
        for second in range(1001, int(end_s) + 1):
            one.add(said("w", second))
        one.finish(end_s)
    found = read_commentary(path)
    assert found.covers("a", 1000, end_s)
    assert not found.covers("a", 1000, end_s + 1)
    assert len(found.items["a"]) == end_s - 1000


def test_an_event_is_all_that_was_said_joined_by_blanks(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    event = VideoStretch("v1", Path("v1.mp4"), 10.0, 20.5, "", event_id="e1")
    with EventPredictions(path) as file:
        file.begin(VideoStretch("v1", Path("v1.mp4"), 90.0, 99.0, "", event_id="late")).finish(50.0)
        one = file.begin(event)
        for text in (" A pass", "", "and a goal ", " ..."):
            one.add(said(text, 11.0))
        assert not file.is_done(event)
        one.finish(20.5)
        assert file.is_done(event)
    found, _ = read_predictions(path)
    assert found == {("v1", "e1"): EventPrediction("v1", "e1", 10.0, 20.5, "A pass and a goal")}
