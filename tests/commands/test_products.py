"""`svlm caption` with what is made beside files of words: videos that hold them."""

import shutil
from pathlib import Path

import pytest

from tests.clips import make_clip, run_ffmpeg
from tests.commands.conftest import SECONDS
from tests.conftest import Svlm
from tests.subtitle_checker import read_srt


def test_videos_with_words(svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "--mux", "soft.mkv", "--burn-in", "hard.mp4")
    assert done.returncode == 0, done.stderr
    assert "clip.mp4 -> soft.mkv" in done.stderr
    assert "clip.mp4 -> hard.mp4" in done.stderr
    beside = read_srt(here.with_suffix(".srt").read_text(encoding="utf-8"))
    within = run_ffmpeg("-i", tmp_path / "soft.mkv", "-map", "0:s", "-f", "srt", "-").decode()
    assert within.count(" --> ") == len(beside) > 0
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "clip.srt", "soft.mkv", "hard.mp4"}


def test_a_page_with_pictures(svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """How it behaves in a browser is in tests/outputs/test_report.py."""
    (tmp_path / "pages").mkdir()
    done = svlm_inside("caption", here.name, "--model", tiny_checkpoint, "--report", "pages/clip.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "pages" / "clip.html").read_text(encoding="utf-8")
    assert 'src="../clip.mp4"' in page
    beside = read_srt(here.with_suffix(".srt").read_text(encoding="utf-8"))
    assert page.count('<li data-start="') == page.count("data:image/jpeg;base64,") == len(beside)
    assert f"0:00:0{SECONDS} captioned by" in page


def test_what_is_there_is_not_made_again(svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "soft.mkv").write_text("mine")
    here.with_suffix(".srt").write_text("mine")
    base = ("caption", here.name, "--model", tiny_checkpoint)
    assert svlm_inside(*base, "--mux", "soft.mkv", "--skip-existing").returncode == 0
    assert svlm_inside(*base, "--mux", "other.mkv", "--skip-existing").returncode == 0
    assert (tmp_path / "soft.mkv").read_text() == here.with_suffix(".srt").read_text() == "mine"
    assert (tmp_path / "other.mkv").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (("clip.mp4", "--mux", "out.avi"), 2, "out.avi"),
        (("clip.mp4", "--mux", "clip.mp4"), 2, "the video itself"),
        (("clip.mp4", "--mux", "out.mkv", "--burn-in", "./out.mkv"), 2, "another output"),
        (("clip.mp4", "other.mp4", "--mux", "out.mkv"), 2, "2 videos"),
        (("-", "--mux", "out.mkv"), 2, "standard input"),
        (("clip.mp4", "--mux", "out.mkv", "--language", "English"), 2, "three-letter code"),
        (("gone.mp4", "--mux", "out.mkv"), 3, "gone.mp4"),
        (("clip.mp4", "--burn-in", "gone/out.mkv"), 1, "no folder gone"),
        (("clip.mp4", "--burn-in", "there.mp4"), 2, "there.mp4 exists already"),
        (("vp8.webm", "--mux", "out.mp4"), 1, "MP4 cannot hold the pictures of vp8.webm (vp8)"),
        (("clip.mp4", "--report", "there.html"), 2, "there.html exists already"),
        (("clip.mp4", "--report", "out.pdf"), 2, "out.pdf"),
        (("clip.mp4", "--report", "gone/r.html"), 1, "no folder gone"),
    ],
)
def test_what_cannot_be_made_is_told_before_a_model_is_loaded(
    svlm_inside: Svlm, here: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, needle: str
) -> None:
    shutil.copy(here, tmp_path / "other.mp4")
    if arguments[0] == "vp8.webm":
        make_clip(tmp_path / "vp8.webm", frames=2, encode=("-c:v", "libvpx", "-deadline", "realtime"))
    for name in ("there.mp4", "there.html"):
        (tmp_path / name).write_text("mine")
    done = svlm_inside("caption", *arguments, "--model", "no-such-model")
    assert done.returncode == code, done.stderr
    assert needle in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
