"""Clips and where comments on them stand: each belongs to its clip, and to no other."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.inf_streams import candidate_text, covered_by_all, read_clips
from svlm_cli.evals.generation.baseline import ClipComment, ClipOutcome, write_comment
from svlm_cli.evals.generation.clips import ClipPredictions, clip_stretches
from svlm_cli.evals.generation.stretches import VideoStretch
from tests.evals.benchmarks.miniature import clip, write_lines


def stretch(start_s: float, end_s: float, video: str = "v0.mp4") -> VideoStretch:
    return VideoStretch(video, Path(video), start_s, end_s, "")


def test_clips_are_found_with_their_videos(tmp_path: Path) -> None:
    rows = [
        clip(f"Football/v{video}.mp4", [(start + 0.6, start + 99.5, "so")]) for video in (0, 1) for start in (0, 100)
    ]
    annotations = write_lines(tmp_path / "clips.jsonl", rows)
    (tmp_path / "Football").mkdir()
    (tmp_path / "Football" / "v1.mp4").write_bytes(b"video")
    found = clip_stretches(annotations, tmp_path)
    assert [(one.video, one.start_s, one.end_s) for one in found.stretches] == [("v1.mp4", 0, 99), ("v1.mp4", 100, 199)]
    assert {(one.title, one.context) for one in found.stretches} == {("A game", "Welcome.")}
    assert [str(error).count("v0.mp4") > 0 for error in found.missing] == [True], "once a video, not once a clip"
    (tmp_path / "Football" / "v1.mp4").unlink()
    with pytest.raises(InputError, match=r"v0\.mp4"):
        clip_stretches(annotations, tmp_path)


def test_each_comment_is_judged_in_its_own_clip(tmp_path: Path) -> None:
    """Guards neighbours that share seconds, as words that overlap make them: none gets the other's words."""
    content = [[(0.0, 100.9, "so")], [(98.5, 200.0, "on")], [(200.0, 280.0, "and")], [(300.5, 400.0, "on")]]
    lines, clips = read_clips(write_lines(tmp_path / "clips.jsonl", [clip("F/v0.mp4", one) for one in content]))
    assert lines.notice == ""
    stretches = [stretch(one.start_s, one.end_s) for one in clips]
    path = tmp_path / "said.jsonl"
    for index in (2, 0, 3, 1):  # as they come
        with ClipPredictions(path, stretches) as predictions:
            one = stretches[index]
            assert not predictions.is_done(one)
            comment = ClipComment(one, ClipOutcome.SPOKEN, f"comment {index}")
            write_comment(comment, predictions)
            assert predictions.is_done(one)
    said = read_commentary(tmp_path / "said.jsonl")
    assert covered_by_all(clips, [said]).left_out == 0
    assert [candidate_text(said.items["v0"], one) for one in clips] == [f"comment {index}" for index in range(4)]


def test_clips_within_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    with pytest.raises(InputError, match="from 20 s to 80 s has no second to itself"):
        ClipPredictions(path, [stretch(0, 100), stretch(20, 80)])
    with pytest.raises(InputError, match="has no second to itself"):
        ClipPredictions(path, [stretch(0, 100), stretch(0, 120)])
    with ClipPredictions(path, [stretch(0, 100), stretch(20, 80, "v1.mp4")]):
        pass
