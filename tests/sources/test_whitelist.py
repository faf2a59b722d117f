"""Whoever captions a file opens that file, and nothing that it names."""

import socket
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.sources.files import Decoder, open_frames
from svlm_cli.sources.windows import read_window
from tests.clips import run_ffmpeg

pytestmark = pytest.mark.usefixtures("each_ffmpeg")

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile '{}'\n"
DASH = """<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>
</AdaptationSet></Period></MPD>"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
SCRIPTS = [("a.m3u8", HLS), ("a.mp4", HLS), ("a.ts", HLS), ("a.ffconcat", CONCAT), ("a.mp4", CONCAT), ("a.mpd", DASH)]


def refuse(path: Path) -> None:
    for decoder in Decoder:
        with pytest.raises(InputError, match="not a video"):
            open_frames(path, fps=2, decoder=decoder)
    with pytest.raises(InputError, match="not a video"):
        read_window(path, 0.0, 1.0, fps=2)


@pytest.mark.parametrize(("name", "script"), SCRIPTS)
def test_no_other_file(plain_clip: Path, tmp_path: Path, name: str, script: str) -> None:
    """A playlist that someone sends must not read the files of whoever captions it."""
    run_ffmpeg("-i", plain_clip, "-c", "copy", tmp_path / "victim.ts")
    path = tmp_path / name
    path.write_text(script.format("victim.ts"))
    refuse(path)


@pytest.mark.parametrize(("name", "script"), SCRIPTS)
def test_no_address(tmp_path: Path, name: str, script: str) -> None:
    """Nor call home."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        path = tmp_path / name
        path.write_text(script.format(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"))
        refuse(path)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_port(tmp_path: Path) -> None:
    path = tmp_path / "a.sdp"
    path.write_text(SDP)
    refuse(path)


def test_no_sequence_of_pictures(tmp_path: Path) -> None:
    """A percent sign in a name is a percent sign."""
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", tmp_path / "secret%03d.jpg")
    with pytest.raises(InputError, match="does not exist"):
        open_frames(tmp_path / "secret%03d.jpg", fps=2)
