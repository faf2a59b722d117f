"""The streams of a source, as ffmpeg prints them, whatever the source says about itself."""

import subprocess
from pathlib import Path

import pytest

from svlm_cli.media.ffmpeg import Ffmpeg
from svlm_cli.media.header import StreamKind, StreamReader
from svlm_cli.media.log import Log
from tests.clips import PROGRAMS, make_clip


def read(*lines: str) -> StreamReader:
    reader = StreamReader()
    for line in lines:
        reader.feed(line)
    return reader


def test_all_that_a_line_tells() -> None:
    picture = (
        "Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 720x576 [SAR 64:45 DAR 16:9], 25 fps (default)"
    )
    cover = "Video: png, rgb24(pc), 64x48 [SAR 1:1 DAR 4:3], 90k tbn (default) (attached pic)"
    (video, image, words, font, time_code) = read(
        f"  Stream #0:0[0x1](und): {picture}",
        "    Side data:",
        "      displaymatrix: rotation of -90.00 degrees",
        f"  Stream #0:1: {cover}",
        "    Metadata:",
        "      filename        : a : b.png",
        "  Stream #0:2(deu): Subtitle: subrip (srt) (forced)",
        "  Stream #0:3: Attachment: ttf",
        "  Stream #0:4[0x5](eng): Data: none (tmcd / 0x64636D74), 0 kb/s",
    ).streams
    assert (video.kind, video.codec, video.size, video.anamorphic) == (StreamKind.VIDEO, "h264", (720, 576), True)
    assert (video.turned, video.turn_degrees) == (True, -90)
    assert (image.kind, image.size, image.metadata) == (StreamKind.COVER, (64, 48), {"filename": "a : b.png"})
    assert (words.kind, words.codec) == (StreamKind.SUBTITLES, "subrip")
    assert font.kind is StreamKind.ATTACHMENT
    assert (time_code.kind, time_code.tag) == (StreamKind.DATA, "tmcd")


@pytest.mark.parametrize(
    "language", ["und", "eng): Subtitle: subrip (x", "(attached pic)", "): Video: png, 9x9 (attached pic"]
)
def test_a_language_is_free_text(language: str) -> None:
    (stream,) = read(f"  Stream #0:0({language}): Video: h264, yuv420p, 160x120").streams
    assert (stream.kind, stream.codec, stream.size) == (StreamKind.VIDEO, "h264", (160, 120))


def test_what_a_source_says_of_itself_is_no_fact() -> None:
    """Guards against a key of metadata with the name of a fact: a video that is turned though it is not."""
    (stream,) = read(
        "  Metadata:",
        "    Stream #0:1: Video: h264, 64x64: x",
        "  Stream #0:0: Video: h264, yuv420p, 160x120",
        "    Metadata:",
        "      displaymatrix   : rotation of -90.00 degrees",
        "      title           : Stream #0:2: Subtitle: subrip",
    ).streams
    assert not stream.turned
    assert stream.turn_degrees == 0


def test_a_stream_of_several_programs_is_one() -> None:
    sound = "  Stream #0:0[0x101]: Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono"
    assert len(read("  Program 1 ", sound, "  Program 2 ", sound).streams) == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_file_that_lies(tmp_path: Path, program: Ffmpeg) -> None:
    """Guards against titles of several lines and names with line breaks that read like ffmpeg's own words."""
    lie = "  Stream #0:9: Video: h264, 64x64\n[info]   Stream #0:9: Video: h264, 64x64 [SAR 2:1 DAR 2:1]"
    says = ("-metadata", f"title={lie}", "-metadata:s:v:0", f"title={lie}")
    clip = make_clip(tmp_path / "a\n[info]   Stream #0:9: Audio: x, 64x64.mkv", frames=2, options=says)
    command = [program.path, "-hide_banner", "-loglevel", "level+info", "-i", f"file:{clip}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    log = Log()
    for line in done.stderr.decode().split("\n"):
        log.feed(line)
    (stream,) = log.streams
    assert (stream.kind, stream.size) == (StreamKind.VIDEO, (160, 120))
    assert not log.anamorphic
