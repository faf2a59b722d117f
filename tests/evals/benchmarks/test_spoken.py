"""What is said in videos: SubRip, and both forms of LongVideoBench, on the video's own clock."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Cue
from svlm_cli.evals.benchmarks.spoken import read_spoken, spoken_within
from tests.evals.benchmarks.question_sets import write_json

CUES = (Cue(-1.0, 0.5, "One"), Cue(2.0, 4.25, "two"))


def test_subtitles_of_a_longer_video_are_on_the_clip_s_clock(tmp_path: Path) -> None:
    """Guards against words that are said before the clip begins, and against words at the wrong time."""
    lines = [("00:00:20.000", "00:00:30.500", "Gone"), ("0:00:29.5", "00:00:31.000", "One")]
    rows = [{"start": start, "end": end, "line": line} for start, end, line in lines]
    rows.append({"start": "00:00:32.500", "end": "00:00:34.750", "line": " two "})
    assert read_spoken(write_json(tmp_path / "a.json", rows), 30.5) == CUES
    timed = [{"timestamp": [20, 30.5], "text": "Gone"}, {"timestamp": [29.5, 31.0], "text": "One"}]
    timed += [{"timestamp": [32.5, 34.75], "text": "two"}]
    assert read_spoken(write_json(tmp_path / "b.json", timed), 30.5) == CUES


def test_subrip(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("\ufeff1\n00:00:01,000 --> 00:00:02,500\nOne\nmore\n\n2\n01:00:00,000 --> 01:00:01,000\ntwo\n")
    assert read_spoken(path) == (Cue(1.0, 2.5, "One\nmore"), Cue(3600.0, 3601.0, "two"))
    path.write_text("nothing of the kind")
    with pytest.raises(InputError, match=r"a\.srt cannot be read as SubRip"):
        read_spoken(path)


def test_what_is_said_in_what_may_be_seen() -> None:
    """Guards the end: what is said after the question's moment would tell its answer."""
    cues = (Cue(0.0, 1.0, "a"), Cue(1.0, 2.0, "b"), Cue(2.0, 3.0, "c"), Cue(2.0, 2.0, "d"))
    assert [one.text for one in spoken_within(cues, 1.0, 2.0)] == ["b"]
    assert [one.text for one in spoken_within(cues, 2.0, None)] == ["c", "d"]
    assert [one.text for one in spoken_within(cues, None, 0.5)] == ["a"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"start": "nan:0:1", "end": "0:0:2", "line": "x"}, "start must be a time like 00:03:10.5, not 'nan:0:1'"),
        ({"start": "0:0:1", "end": 2, "line": "x"}, "end must be a text, not 2"),
        ({"timestamp": [1], "text": "x"}, r"timestamp must be \[start, end\], not \[1\]"),
        ({"timestamp": [1, None]}, "text must be a text"),
    ],
)
def test_a_cue_that_is_none_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    path = write_json(tmp_path / "a.json", [{"timestamp": [1, None], "text": "x"}, row])
    with pytest.raises(InputError, match=rf"Row 2 of .*a\.json .*{said}"):
        read_spoken(path)
