"""Videos that are written: what is in them when they are read again, and what is left when they fail."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Picture
from svlm_cli.media.writer import VideoWriter
from svlm_cli.sources.files import open_frames
from tests.media.stand_in import CUT, FULL, stand_in


def _pictures(count: int) -> Picture:
    """Each a little brighter than the one before, red on the left."""
    pictures = np.zeros((count, 48, 64, 3), np.uint8)
    pictures[..., :32, 0] = 200
    pictures += np.arange(count, dtype=np.uint8)[:, None, None, None] * 4
    return pictures


def _writer(path: Path, *, overwrite: bool = False) -> VideoWriter:
    return VideoWriter(path, width=64, height=48, rate=Fraction(8), overwrite=overwrite)


def _write(path: Path) -> None:
    with _writer(path) as video:
        for _ in range(100):
            video.write(_pictures(10))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Guards times, order and colours of what a model gets to see of a match by way of H.264."""
    pictures = _pictures(24)
    path = tmp_path / "o.mp4"
    with _writer(path) as video:
        for start in range(0, 24, 7):
            video.write(pictures[start : start + 7])
        assert not path.exists()
    with open_frames(path, fps=8) as stream:
        frames = list(stream)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(24) / 8)
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame.pixels.astype(int) - picture)[:, [*range(28), *range(36, 64)]].max() <= 8
    assert [file.name for file in tmp_path.iterdir()] == ["o.mp4"]


def test_it_can_be_read_from_a_pipe(tmp_path: Path) -> None:
    """An MP4 with its index last cannot: `svlm caption - < match.mp4` would be refused."""
    path = tmp_path / "a.mp4"
    with _writer(path) as video:
        video.write(_pictures(4))
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_an_error_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    """Guards against half a video that looks like a whole one, and against a process that stays."""
    video = _writer(tmp_path / "o.mp4")
    with pytest.raises(AssertionError), video:
        video.write(_pictures(3)[:, 1:])
    assert list(tmp_path.iterdir()) == []


def test_files_are_replaced_on_request_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.mp4"
    path.write_text("kept")
    with pytest.raises(OutputError, match=r"exists already\. Use --overwrite"):
        _writer(path)
    assert path.read_text() == "kept"
    with _writer(path, overwrite=True) as video:
        video.write(_pictures(2))
    assert path.stat().st_size > 500


@pytest.mark.parametrize(
    ("name", "sentence"), [("", "is a folder"), ("none/o.mp4", "There is no folder"), ("n" * 252 + ".mp4", "too long")]
)
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str, sentence: str) -> None:
    """Guards the reason: it is ffmpeg that opens the file, and ffmpeg that knows why it could not."""
    with pytest.raises(OutputError, match=sentence):
        _write(tmp_path / name)


def test_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="63x48"):
        VideoWriter(tmp_path / "o.mp4", width=63, height=48, rate=Fraction(8), overwrite=False)


def test_an_encoder_that_dies_is_an_error(tmp_path: Path) -> None:
    """Guards against a writer that waits for ever for a process that is gone."""
    video = _writer(tmp_path / "o.mp4")
    video._process.kill()
    video._process.wait()
    with pytest.raises(OutputError, match=r"o\.mp4 cannot be written"), video:
        video.write(_pictures(60))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [({"after": CUT}, "is incomplete or cannot be read back"), ({"before": FULL}, "no room left on the disk")],
)
def test_half_a_video_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, str], sentence: str
) -> None:
    """Guards the file that was there on a disk that is full; ffmpeg may end with 0 all the same."""
    monkeypatch.setenv("PATH", str(stand_in(tmp_path / "bin", **trouble).parent), prepend=os.pathsep)
    path = tmp_path / "o.mp4"
    path.write_text("kept")
    with pytest.raises(OutputError, match=sentence), _writer(path, overwrite=True) as video:
        video.write(np.random.default_rng(0).integers(0, 255, (10, 48, 64, 3), np.uint8))
    assert path.read_text() == "kept"
    assert {one.name for one in tmp_path.iterdir()} == {"bin", "o.mp4"}
