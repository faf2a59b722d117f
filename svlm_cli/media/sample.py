"""Makes a video for benchmarks with ffmpeg alone: moving pictures, as hard to decode as a broadcast.

Its content is meaningless.
"""

from pathlib import Path
from typing import Any

import ffmpeg

from svlm_cli.media.container import Container
from svlm_cli.media.conversion import convert
from svlm_cli.media.ffmpeg import find_ffmpeg
from svlm_cli.media.header import StreamKind
from svlm_cli.media.part import PartVideo

RATE = 25
BITS_PER_S = 4_000_000  # for 1280 x 720, scaled for other sizes
_KEY_FRAME_S = 2
_PAN = {"horizontal": 0.004, "vertical": 0.002}  # fraction of the picture, per frame
_GRAIN = 12  # amplitude, of 255


def make_sample(path: Path, *, width: int, height: int, seconds: float, overwrite: bool = False) -> None:
    """H.264 at a constant bitrate: a moving pattern, a panning camera, and film grain.

    Raises `OutputError` if the file cannot be written, or exists and must not be replaced; `InputError` without ffmpeg.
    Width and height must be even.
    """
    video = PartVideo(path, overwrite=overwrite)
    arguments = _arguments(width, height, seconds)
    convert(
        find_ffmpeg(),
        arguments,
        video,
        Container.MP4,
        {StreamKind.VIDEO: 1},
        hint="Choose another place for it.",
        folder=path.absolute().parent,
        on_progress=lambda done_s: None,
    )


def _arguments(width: int, height: int, seconds: float) -> list[str]:
    bits = round(BITS_PER_S * width * height / (1280 * 720))
    pictures = ffmpeg.input(f"testsrc2=size={width}x{height}:rate={RATE}", f="lavfi", t=seconds)
    output = (
        pictures.filter("scroll", **_PAN)
        .filter("noise", alls=_GRAIN, allf="t")
        .output(
            "pipe:1",
            vcodec="libx264",
            preset="veryfast",
            pix_fmt="yuv420p",
            g=RATE * _KEY_FRAME_S,
            maxrate=bits,
            bufsize=2 * bits,
            **{"b:v": bits},
        )
    )
    made: list[Any] = output.get_args()
    return [str(one) for one in made[:-1]]  # without the output path at the end
