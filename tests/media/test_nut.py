"""The pictures' container: packets come out of the pipe as they went in, whatever their size."""

import io
from pathlib import Path

import pytest

from svlm_cli.media.ffmpeg import Ffmpeg
from svlm_cli.media.nut import NutReader
from tests.clips import PROGRAMS, make_clip, run_ffmpeg


def packets(data: bytes) -> list[bytes]:
    reader = NutReader(io.BytesIO(data))
    return [bytes(packet) for packet in iter(reader.read, None)]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(("-c:v", "rawvideo", "-pix_fmt", "rgb24"), id="large and equal"),
        pytest.param(("-c:v", "mpeg4", "-bf", "2"), id="small, beginning alike, out of order"),
    ],
)
def test_packets_are_what_ffmpeg_wrote(tmp_path: Path, program: Ffmpeg, encode: tuple[str, ...]) -> None:
    """A wrong size once, and every later picture is garbage."""
    clip = make_clip(tmp_path / "clip.nut", frames=40, encode=encode)
    copy, raw = tmp_path / "copy.nut", tmp_path / "raw"
    run_ffmpeg("-i", clip, "-c", "copy", copy, program=program)
    run_ffmpeg("-i", clip, "-c", "copy", "-f", "rawvideo", raw, program=program)
    found = packets(copy.read_bytes())
    assert len(found) == 40
    assert b"".join(found) == raw.read_bytes()


def test_a_packet_that_breaks_off_is_the_end(tmp_path: Path) -> None:
    """An ffmpeg killed in the middle of a picture must not give half a picture."""
    clip = make_clip(tmp_path / "clip.nut", frames=3, encode=("-c:v", "rawvideo"), options=("-write_index", "0"))
    data = clip.read_bytes()
    assert len(packets(data)) == 3
    assert len(packets(data[:-1])) == 2
    assert packets(data[:40]) == []


def test_something_else_has_no_packets() -> None:
    assert packets(b"") == []
    assert packets(b"P6 160 120 255 " * 100) == []
