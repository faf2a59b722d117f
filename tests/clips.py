"""Small clips, made by ffmpeg, whose frames carry their number as bright and dark blocks.

A picture is 4 x 4 blocks: the upper left corner is white, the other corners are black (so that a turned or mirrored
picture is noticed), and the twelve between them are the bits of the number.
"""

import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
import numpy as np
import pytest

from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Ffmpeg, find_ffmpeg

CLIP_MAKER = find_ffmpeg()
CARRIED = Ffmpeg(str(imageio_ffmpeg.get_ffmpeg_exe()))
PROGRAMS = [pytest.param(CLIP_MAKER, id="path"), pytest.param(CARRIED, id="carried")]

_CORNERS = (0, 3, 12, 15)
_BITS = tuple(block for block in range(16) if block not in _CORNERS)

# One thread: by default its number depends on the machine's cores, and the bytes of a clip on that number.
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1")


def numbered(index: int, width: int = 160, height: int = 120) -> Picture:
    """The picture with this number, ``[height, width, 3]``."""
    blocks = np.zeros(16, dtype=np.uint8)
    blocks[0] = 255
    blocks[[block for bit, block in enumerate(_BITS) if index >> bit & 1]] = 255
    rows = np.arange(height) * 4 // height
    columns = np.arange(width) * 4 // width
    grey = blocks.reshape(4, 4)[rows][:, columns]  # [H, W]
    return np.repeat(grey[:, :, None], 3, axis=2)


def number_of(pixels: Picture) -> int:
    """The number that a picture carries; fails if it is not one of ours, upright."""
    height, width = pixels.shape[:2]
    levels = np.zeros((4, 4))
    for row in range(4):
        for column in range(4):
            block = pixels[
                (4 * row + 1) * height // 16 : (4 * row + 3) * height // 16,
                (4 * column + 1) * width // 16 : (4 * column + 3) * width // 16,
            ]
            levels[row, column] = block.mean()
    assert ((levels < 100) | (levels > 155)).all(), f"not a numbered picture: {levels.round()}"
    bright = (levels > 128).reshape(16)
    assert bright[list(_CORNERS)].tolist() == [True, False, False, False], "the picture is not upright"
    return sum(1 << bit for bit, block in enumerate(_BITS) if bright[block])


def numbers(pictures: Iterable[Picture]) -> list[int]:
    """What each picture carries."""
    return [number_of(picture) for picture in pictures]


def run_ffmpeg(*arguments: str | Path, stdin: bytes | None = None, program: Ffmpeg = CLIP_MAKER) -> bytes:
    """What ffmpeg writes to stdout; fails with what it says."""
    command = [program.path, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout


def make_clip(
    path: Path,
    *,
    frames: int = 60,
    fps: str = "30",
    size: tuple[int, int] = (160, 120),
    first: int = 0,
    inputs: Sequence[str] = (),
    encode: Sequence[str] = X264,
    options: Sequence[str] = (),
) -> Path:
    """A clip of pictures `first`, `first` + 1, ... `inputs` are further inputs, `options` come before the output.

    The same clip is encoded once a process: most are wanted by several tests, or by one under several parameters.
    """
    path.write_bytes(_encoded(path.suffix, range(first, first + frames), fps, size, (*inputs, *encode, *options)))
    return path


@cache
def _encoded(suffix: str, numbers: range, fps: str, size: tuple[int, int], arguments: tuple[str, ...]) -> bytes:
    width, height = size
    raw = b"".join(numbered(number, width, height).tobytes() for number in numbers)
    video = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", "pipe:0")
    with TemporaryDirectory() as folder:
        path = Path(folder, f"clip{suffix}")
        run_ffmpeg(*video, *arguments, path, stdin=raw)
        return path.read_bytes()


def times_filter(times_s: Sequence[float]) -> tuple[str, str]:
    """The option that gives the pictures these times, a variable rate."""
    terms = "+".join(f"eq(N,{index})*{time_s}" for index, time_s in enumerate(times_s))
    return "-vf", f"settb=1/90000,setpts='({terms})/TB'"


def packet_times(clip: Path) -> list[float]:
    """When the pictures are shown, as the container says: a second opinion, without a decoder or a filter."""
    copy = ("-map", "0:v", "-c", "copy", "-copyts", "-f", "framecrc", "-")
    lines = run_ffmpeg("-i", clip, *copy, program=CARRIED).decode().splitlines()  # 5.1 begins transport streams at 0
    numerator, denominator = next(line for line in lines if line.startswith("#tb 0:")).split(":")[1].split("/")
    ticks = sorted(int(line.split(",")[2]) for line in lines if not line.startswith("#"))
    return [tick * int(numerator) / int(denominator) for tick in ticks]


def cut(source: Path, target: Path, share: float) -> Path:
    """The first part of a file."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target
