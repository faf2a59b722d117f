"""Samples some small JPEG pictures from a stretch of video, for models without video input.

Knows no server and no benchmark.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import presentable
from svlm_cli.core.types import Picture
from svlm_cli.sources.files import open_frames
from svlm_cli.sources.grid import frame_rate, moment, moments_before


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which pictures to take, and how to encode them. The defaults are those of the paper's baseline."""

    fps: Annotated[float, Within(0.001, 1000)] = 0.25
    most: Annotated[int, Within(2, 10_000)] = 60  # per stretch; longer ones are sampled evenly
    height: Annotated[int, Within(16, 10_000)] = 360  # at most
    quality: Annotated[int, Within(1, 95)] = 85  # JPEG quality

    def __post_init__(self) -> None:
        require_usable(self)

    def indices(self, count: int) -> list[int]:
        """The indices to take out of `count` pictures: all, or the first, the last, and evenly between."""
        if count <= self.most:
            return list(range(count))
        steps = self.most - 1
        return [(2 * index * (count - 1) + steps) // (2 * steps) for index in range(self.most)]


def sample_pictures(path: Path, start_s: float, end_s: float, sampling: Sampling) -> tuple[bytes, ...]:
    """JPEGs of the frames on screen at ``start_s + k / fps``, before `end_s`.

    `InputError` if the video cannot be read, or ends earlier.
    """
    rate = frame_rate(sampling.fps)
    count = moments_before(start_s, end_s, rate)
    taken = frozenset(sampling.indices(count))
    pictures: list[bytes] = []
    seen = 0
    with open_frames(path, fps=sampling.fps, start_s=start_s, end_s=end_s) as frames:
        for frame in frames:
            if seen in taken:
                pictures.append(_jpeg(frame.pixels, sampling))
            seen += 1
    if seen < count:
        raise InputError(
            f"{presentable(str(path))} has no picture at {moment(start_s, seen, rate):g} s.",
            f"The clip lasts until {end_s:g} s: fetch the video again.",
        )
    return tuple(pictures)


def _jpeg(picture: Picture, sampling: Sampling) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    if image.height > sampling.height:
        width = max(1, round(image.width * sampling.height / image.height))
        image = image.resize((width, sampling.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=sampling.quality)
    return file.getvalue()
