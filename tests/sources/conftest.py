"""Clips that several tests read, the two ffmpegs that they are read with, and a camera."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli.media.ffmpeg import Ffmpeg
from tests.clips import PROGRAMS, X264, make_clip, run_ffmpeg
from tests.servers.rtsp import RtspServer, require_rtsp_server
from tests.sources.live import FPS


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


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving picture, for a server."""
    folder = tmp_path_factory.mktemp("pictures")
    run_ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=160x120:r={FPS}:d=2", "-start_number", "0", folder / "%05d.jpg")
    return folder


@pytest.fixture
def server(pictures: Path) -> Iterator[RtspServer]:
    require_rtsp_server()
    with RtspServer(pictures, fps=FPS) as server:
        yield server
