"""What has nothing to comment on: by hand, and what is refused before anything is loaded."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.generation.stretches import VideoStretch, commentary_stretches, event_stretches, find_video
from tests.evals.benchmarks.miniature import event, game, write_lines

WORDS = [(1000.2, 1001, "Off"), (1001, 1100, " they go."), (1100, 1100.5, "A pass"), (1199, 1200.0, "and a goal"),
         (1210, 1250.9, "at last.")]  # fmt: skip


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_each_video_is_one_stretch_up_to_its_last_whole_second(tmp_path: Path) -> None:
    """Guards the protocol's ends, and the order: the longest video must not run alone in the end."""
    b, a = _touch(tmp_path / "v/Football/b.mp4"), _touch(tmp_path / "v/a.mp4")
    rows = [game("Football/b.mp4", WORDS), game("Golf/a.mp4", [*WORDS, (1300, 1400.9, "x")], "A cup.")]
    found = commentary_stretches(write_lines(tmp_path / "all.jsonl", rows), tmp_path / "v", start_s=1000, chunk_s=None)
    assert found.stretches == (
        VideoStretch("a.mp4", a, 1000, 1400, "A cup.", "A game"),
        VideoStretch("b.mp4", b, 1000, 1250, "Welcome.", "A game"),
    )
    assert (found.missing, found.notices) == ((), ())


def test_a_piece_is_told_what_people_said_before_it(tmp_path: Path) -> None:
    """Guards the published protocol, counted by hand: words that end by the piece's start, after the introduction."""
    _touch(tmp_path / "a.mp4")
    rows = write_lines(tmp_path / "all.jsonl", [game("Golf/a.mp4", [(10, 20, " Before "), *WORDS])])
    found = commentary_stretches(rows, tmp_path, start_s=1000, chunk_s=100).stretches
    assert [(one.start_s, one.end_s, one.context) for one in found] == [
        (1000, 1100, "Welcome. Before"),
        (1100, 1200, "Welcome. Before Off they go."),
        (1200, 1250, "Welcome. Before Off they go. A pass and a goal"),
    ]
    assert len({one.key for one in found}) == 3
    assert len({one.seed(0) for one in found}) == 3


def test_a_seed_is_a_videos_own(tmp_path: Path) -> None:
    """Guards against words that depend on who else is commented on: name and seed count, neither place nor path."""
    here, there = (VideoStretch("a.mp4", tmp_path / name, 0, 10, "") for name in ("x/a.mp4", "y/a.mp4"))
    assert here.seed(1) == there.seed(1) != here.seed(2)
    assert here.seed(1) != VideoStretch("b.mp4", here.path, 0, 10, "").seed(1)


def test_missing_videos_are_named_by_all_that_was_tried(tmp_path: Path) -> None:
    _touch(tmp_path / "v/a.mp4")
    rows = [game("Golf/a.mp4", WORDS), game("Golf/b.mp4", WORDS), game("Golf/c.mp4", [(1, 900, "early")])]
    found = commentary_stretches(write_lines(tmp_path / "all.jsonl", rows), tmp_path / "v", start_s=1000, chunk_s=None)
    assert [one.video for one in found.stretches] == ["a.mp4"]
    (missing,) = found.missing
    assert missing.message == f"There is no {tmp_path}/v/Golf/b.mp4 and no {tmp_path}/v/b.mp4."
    assert found.notices == ("Golf/c.mp4 is left out: its words end at 900 s, before --start.",)


@pytest.mark.parametrize("name", ["../secret.mp4", "/etc/secret.mp4", "x/../../secret.mp4"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Guards files that are none of the benchmark's against a stranger's annotations."""
    _touch(tmp_path / "secret.mp4")
    inside = _touch(tmp_path / "v/x/y.mp4")
    assert find_video(tmp_path / "v", "x/y.mp4") == inside
    with pytest.raises(InputError, match=r"There is no \S*/v/secret\.mp4\."):
        find_video(tmp_path / "v", name)


def test_a_file_of_clips_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    """Guards against a game that is commented on once for each of its clips."""
    _touch(tmp_path / "a.mp4")
    rows = write_lines(tmp_path / "score_all_clips.jsonl", [game("G/a.mp4", WORDS), game("G/a.mp4", WORDS[2:])])
    with pytest.raises(InputError, match=r"Line 2 of .* names the video 'a' again.*eval_all_metadata\.jsonl has"):
        commentary_stretches(rows, tmp_path, start_s=1000, chunk_s=None)


def test_nothing_to_comment_on_is_an_error(tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "all.jsonl", [game("G/a.mp4", WORDS)])
    with pytest.raises(InputError, match="has nothing to comment on"):
        commentary_stretches(rows, tmp_path, start_s=2000, chunk_s=None)


def test_events_are_stretches(tmp_path: Path) -> None:
    path = _touch(tmp_path / "videos/v1.mp4")
    rows = write_lines(tmp_path / "e.jsonl", [event("v1", "e1", "so"), event("v1", "e2", "so", begin=0, end=40)])
    long, short = event_stretches(rows, tmp_path).stretches
    assert short == VideoStretch("v1", path, 10, 20.5, "Here they come.", "A goal", "e1")
    assert (long.event_id, long.key, long.name) == ("e2", "v1/e2", "v1, event e2")
    with pytest.raises(InputError, match="The event 'e1' of the video 'v1' is from 5 s to 5 s"):
        event_stretches(write_lines(tmp_path / "e.jsonl", [event("v1", "e1", "so", begin=5, end=5)]), tmp_path)
