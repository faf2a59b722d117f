"""Clips that several tests read, and the two ffmpegs that they are read with."""

from pathlib import Path

import pytest

from svlm_cli.media.ffmpeg import Ffmpeg
from tests.clips import PROGRAMS, X264, make_clip


@pytest.fixture(scope="session")
def plain_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 30 FPS, a key frame a second, B-frames between."""
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    options = ("-preset", "veryfast", "-bf", "2", "-g", "30", "-movflags", "+faststart")
    return make_clip(path, frames=120, encode=X264, options=options)


@pytest.fixture(params=PROGRAMS)
def each_ffmpeg(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ffmpeg:
    """The test runs twice: with the ffmpeg on PATH, and with the one that imageio-ffmpeg carries."""
    program: Ffmpeg = request.param
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(program.path)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return program
