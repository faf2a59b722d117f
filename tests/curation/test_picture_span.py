"""What is found of a video: the faults that published sets have, and the moments that training asks for."""

from pathlib import Path

import pytest

from svlm_cli.curation.picture_span import look_at
from svlm_cli.sources.windows import read_window
from tests.clips import run_ffmpeg
from tests.curation.speech import tiny_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of ten seconds."""
    return tiny_video(tmp_path_factory.mktemp("videos") / "ten.mp4", 10.0)


def test_a_video_that_holds_its_rows_is_good(video: Path) -> None:
    """Guards against good videos that are thrown away, at both ends."""
    found = look_at(video, 9.0)
    assert (found.fault, found.from_s) == ("", 0.0)
    assert found.fault_of(0.0, 9.0) == ""
    assert look_at(video, 9.7).fault_of(4.5, 9.7) == ""


def test_the_end_of_the_pictures_is_found(video: Path) -> None:
    """Guards rows behind it, as training would find them, and those before it, which are good."""
    found = look_at(video, 30.0)
    assert found.until_s == pytest.approx(10.0, abs=0.1)
    assert found.fault_of(0.0, 9.0) == ""
    assert found.fault_of(0.0, 10.5) == "its video has no picture at 10.5 s, but until about 9.9 s"
    assert read_window(video, 10.5, 11.5, fps=2) == ()
    assert look_at(video, 30.0).fault_of(20.0, 20.0) != ""


def test_pictures_that_begin_late_are_found(tmp_path: Path) -> None:
    """Guards files whose sound comes first: training finds no pictures there either."""
    sound = ("-f", "lavfi", "-i", "sine=duration=8")
    picture = ("-itsoffset", "3", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=5")
    run_ffmpeg(*sound, *picture, "-vsync", "passthrough", "-c:a", "aac", str(tmp_path / "late.mp4"))
    found = look_at(tmp_path / "late.mp4", 7.0)
    assert found.from_s == pytest.approx(3.0, abs=0.05)
    assert found.fault_of(0.0, 7.0) == "its video has no picture at 0 s, but from 3 s on"
    assert found.fault_of(2.5, 7.0) == ""


@pytest.mark.parametrize(
    ("data", "fault"),
    [(None, "does not exist"), (b"", "is empty"), (b"no video at all" * 100, "ten.mp4")],
    ids=["gone", "empty", "text"],
)
def test_a_video_that_does_not_open_is_named(tmp_path: Path, data: bytes | None, fault: str) -> None:
    """Guards the empty files of published sets, and what a broken download leaves."""
    path = tmp_path / "ten.mp4"
    if data is not None:
        path.write_bytes(data)
    assert fault in look_at(path, 1.0).fault


def test_a_video_that_was_cut_off_ends_where_it_was_cut(tmp_path: Path) -> None:
    """Guards recordings that still open: what is said of their end is so."""
    whole = tiny_video(tmp_path / "whole.mkv", 20.0)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = look_at(tmp_path / "cut.mkv", 19.0)
    assert found.fault == ""
    assert 5 < found.until_s < 15
    assert found.fault_of(0.0, 4.0) == ""
    assert found.fault_of(10.0, 19.0) != ""
