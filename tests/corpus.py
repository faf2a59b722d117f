"""Awkward inputs, made on the spot: what people have, what breaks readers, and what was never a video."""

import os
import random
import shutil
import socket
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.clips import X264, cut, make_clip, run_ffmpeg, times_filter

DONE, FAILED, USAGE, INPUT = 0, 1, 2, 3
FUZZED = ("mp4", "mkv", "ts", "avi")
FUZZES, CUTS = 4, 3  # of each


@dataclass(frozen=True, slots=True)
class Awkward:
    """An input: how it is made in an empty folder, and the exit codes that it may end with."""

    name: str
    make: Callable[[Path], Path]
    codes: tuple[int, ...]


def corpus() -> Iterator[Awkward]:
    """All of them."""
    for name, make in _NOT_VIDEOS.items():
        yield Awkward(name, make, (INPUT,))
    for name, make in _VIDEOS.items():
        yield Awkward(name, make, (DONE,))
    for number, odd in enumerate(_ODD_NAMES):
        yield Awkward(f"name {number}", _named(odd), (DONE,))
    yield Awkward("longest name", _named("n" * 251 + ".mp4"), (DONE, FAILED))
    for suffix in FUZZED:
        for seed in range(FUZZES):
            yield Awkward(f"fuzzed {suffix} {seed}", _fuzzed(suffix, seed), (DONE, INPUT))
        for seed in range(CUTS):
            yield Awkward(f"cut {suffix} {seed}", _cut_somewhere(suffix, seed), (DONE, INPUT))


def _clip(path: Path, *options: str) -> Path:
    return make_clip(path, frames=45, options=("-g", "15", *options))


def _written(name: str, data: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def _lavfi(name: str, source: str, *options: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        run_ffmpeg("-f", "lavfi", "-i", source, *options, folder / name)
        return folder / name

    return make


def _named(name: str | bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return Path(shutil.move(_clip(folder / "clip.mp4"), folder / os.fsdecode(name)))

    return make


def _fuzzed(suffix: str, seed: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = _clip(folder / f"clip.{suffix}")
        data = bytearray(path.read_bytes())
        chance = random.Random(f"{suffix}{seed}")
        for _ in range(20):
            data[chance.randrange(min(1024, len(data)))] = chance.randrange(256)
        path.write_bytes(data)
        return path

    return make


def _cut_somewhere(suffix: str, seed: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        options = ("-movflags", "+faststart") if suffix == "mp4" else ()
        whole = _clip(folder / f"whole.{suffix}", *options)
        return cut(whole, folder / f"clip.{suffix}", random.Random(f"{suffix}{seed}").random())

    return make


def _folder(folder: Path) -> Path:
    (folder / "empty.mp4").mkdir()
    return folder / "empty.mp4"


def _without_index(folder: Path) -> Path:
    return cut(_clip(folder / "whole.mp4"), folder / "clip.mp4", 0.5)


def _link(target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "link.mp4").symlink_to(target)
        return folder / "link.mp4"

    return make


def _socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket is short
        try:
            server.bind("a.mp4")
        finally:
            os.chdir(here)
    return folder / "a.mp4"


def _zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "clip.mp4", "w") as archive:
        archive.write(_clip(folder / "inside.mp4"))
    return folder / "clip.mp4"


def _cover(folder: Path) -> Path:
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", folder / "cover.png")
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-i", folder / "cover.png")
    run_ffmpeg(*sound, "-map", "0", "-map", "1", "-disposition:v", "attached_pic", folder / "a.mp3")
    return folder / "a.mp3"


def _claims_to_be_huge(folder: Path) -> Path:
    path = _lavfi("a.png", "color=s=64x64", "-frames:v", "1")(folder)
    data = path.read_bytes()
    path.write_bytes(data[:16] + struct.pack(">II", 60000, 60000) + data[24:])
    return path


def _two_sizes(folder: Path) -> Path:
    parts = [make_clip(folder / f"{width}.ts", frames=30, size=(width, 120)) for width in (160, 320)]
    (folder / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "a.ts"


def _late(folder: Path) -> Path:
    run_ffmpeg("-i", _clip(folder / "a.mp4"), "-c", "copy", "-output_ts_offset", "10", folder / "a.ts")
    return folder / "a.ts"


def _variable(folder: Path) -> Path:
    return make_clip(folder / "a.mkv", frames=5, options=(*times_filter([0, 0.1, 0.9, 1.0, 2.7]), "-vsync", "0"))


def _turned(folder: Path) -> Path:
    run_ffmpeg("-i", _clip(folder / "a.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90", folder / "turned.mp4")
    return folder / "turned.mp4"


def _joined(folder: Path) -> Path:
    clip = _clip(folder / "a.mp4", "-movflags", "+faststart").read_bytes()
    (folder / "twice.mp4").write_bytes(clip + clip)
    return folder / "twice.mp4"


_NOISE = random.Random(0).randbytes(100_000)

_NOT_VIDEOS: dict[str, Callable[[Path], Path]] = {
    "zero length": _written("a.mp4", b""),
    "one byte": _written("a.mp4", b"\0"),
    "zeros": _written("a.mp4", bytes(100_000)),
    "text": _written("a.mp4", "no video at all\n" * 100),
    "a web page": _written("a.mp4", "<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "subtitles": _written("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nword\n\n"),
    "a program": _written("a.py", "import os\nos.system('true')\n"),
    "noise as mp4": _written("a.mp4", _NOISE),
    "noise as ts": _written("a.ts", _NOISE),
    "noise as mkv": _written("a.mkv", _NOISE),
    "a playlist": _written("a.m3u8", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
    "a script of ffmpeg": _written("a.txt", "ffconcat version 1.0\nfile '/etc/passwd'\n"),
    "a session": _written("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
    "not there": lambda folder: folder / "gone.mp4",
    "a device that is not there": lambda folder: Path("/dev/video97"),
    "an empty device": lambda folder: Path("/dev/null"),
    "an endless device": lambda folder: Path("/dev/zero"),
    "a noisy device": lambda folder: Path("/dev/urandom"),
    "a folder": _folder,
    "a link to nothing": _link("gone.mp4"),
    "a link to itself": _link("link.mp4"),
    "a socket": _socket,
    "an archive": _zip,
    "no index": _without_index,
    "sound alone": _lavfi("a.wav", "sine=d=1"),
    "sound with a cover": _cover,
    "a picture that claims to be huge": _claims_to_be_huge,
    "a line": _lavfi("a.mkv", "testsrc2=s=1200x2:d=1", "-c:v", "ffv1"),  # no model can see it
}

_VIDEOS: dict[str, Callable[[Path], Path]] = {
    "one frame": lambda folder: make_clip(folder / "a.mp4", frames=1),
    "odd size": _lavfi("a.mkv", "testsrc=s=161x121:d=1", "-c:v", "ffv1"),
    "a pixel": _lavfi("a.mkv", "testsrc=s=16x16:d=1,crop=1:1", "-c:v", "ffv1"),
    "ten bits": _lavfi("a.mp4", "testsrc=s=160x120:d=1", *X264[:4], "-pix_fmt", "yuv420p10le"),
    "grey": _lavfi("a.mkv", "testsrc=s=160x120:d=1", "-pix_fmt", "gray", "-c:v", "ffv1"),
    "transparent": _lavfi("a.mov", "color=c=red@0.5:s=64x64:d=1,format=rgba", "-c:v", "png"),
    "a thousand frames a second": _lavfi("a.mkv", "testsrc=s=64x64:r=1000:d=1", *X264),
    "a frame in five seconds": _lavfi("a.mkv", "testsrc=s=64x64:r=1/5:d=10", *X264),
    "raw h264": _lavfi("a.h264", "testsrc=s=64x64:d=1", *X264),
    "an animation": _lavfi("a.gif", "testsrc=s=64x64:d=1"),
    "a photograph": _lavfi("a.png", "testsrc=s=64x64", "-frames:v", "1"),
    "interlaced": _lavfi("a.mpg", "testsrc=s=160x120:r=25:d=1", "-c:v", "mpeg2video", "-flags", "+ilme+ildct"),
    "square it is not": _lavfi("a.mp4", "testsrc=s=160x120:d=1,setsar=2", *X264),
    "vp9": _lavfi("a.webm", "testsrc=s=64x64:d=1", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "motion jpeg": _lavfi("a.avi", "testsrc=s=64x64:d=1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "two sizes": _two_sizes,
    "starts at ten seconds": _late,
    "variable rate": _variable,
    "turned": _turned,
    "two files in one": _joined,
}

_ODD_NAMES: tuple[str | bytes, ...] = (
    "with a space.mp4",
    "line\nbreak.mp4",
    'it\'s "quoted".mp4',
    "-leading-dash.mp4",
    b"not-utf-8-\xff\xfe.mp4",
    "per%03dcent.mp4",
    "rtsp:host.mp4",
    "concat:a|b.mp4",
    "back\\slash.mp4",
    "\u202eright to left.mp4",
    "escape\x1b[2J.mp4",
    "no suffix",
    ".mp4",
    "#EXTM3U;$(true)`true`*?[a].mp4",
)
