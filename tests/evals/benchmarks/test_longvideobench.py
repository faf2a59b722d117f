"""LongVideoBench: its file."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.footage import missing_videos
from svlm_cli.evals.benchmarks.longvideobench import read_longvideobench
from tests.evals.benchmarks.question_sets import longvideobench_row, write_json


def test_rows_are_questions(tmp_path: Path) -> None:
    rows = [longvideobench_row(), longvideobench_row(correct_choice=0, duration_group=15, candidates=["yes", "no"])]
    write_json(tmp_path / "lvb_val.json", rows)
    first, second = read_longvideobench(tmp_path)
    assert [first.id, second.id] == ["86CxyhFV9MI_0", "86CxyhFV9MI_1"]
    assert (first.task, first.group, first.answer, first.options) == (
        "S2E",
        "600",
        "C",
        ("a man", "a woman", "a child"),
    )
    assert (first.subtitles, first.subtitles_start_s) == ("subtitles/86CxyhFV9MI_en.json", 30.5)
    assert (second.group, second.answer) == ("15", "A")
    (tmp_path / "videos").mkdir()
    assert missing_videos(tmp_path, [first]) == ("86CxyhFV9MI.mp4",)
    (tmp_path / "videos/86CxyhFV9MI.mp4").touch()
    assert missing_videos(tmp_path, [first]) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"correct_choice": 3}, "correct_choice is 3, and there are 3 options"),
        ({"correct_choice": -1}, "correct_choice must be a whole number from 0"),
        ({"duration_group": 30}, "duration_group must be one of 15, 60, 600, 3600, not 30"),
        ({"candidates": ["a"] * 6}, "candidates must be a list of 2 to 5 texts"),
        ({"starting_timestamp_for_subtitles": None}, "starting_timestamp_for_subtitles must be a number"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    write_json(tmp_path / "lvb_val.json", [longvideobench_row(), longvideobench_row(**change)])
    with pytest.raises(InputError, match=rf"Row 2 of .*lvb_val\.json .*{said}"):
        read_longvideobench(tmp_path)
