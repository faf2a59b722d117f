"""Collects thumbnails while a video is read, a bounded number whatever its length. Knows no words and no page."""

import bisect
import io
from dataclasses import dataclass

from svlm_cli.core.types import Picture

WIDTH = 240
_HEIGHT = 320  # limits portrait pictures
_QUALITY = 70
_MOST = 1200  # about 10 MB


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail."""

    jpeg: bytes
    width: int
    height: int


class Album:
    """Thumbnails by time: evenly spaced, and closer together in shorter videos."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._pictures: list[Thumbnail] = []
        self._step_s = 0.0

    def add(self, picture: Picture, time_s: float) -> None:
        """Add a thumbnail if one is due; times must increase."""
        if self._times_s and time_s - self._times_s[-1] < self._step_s - 1e-6:
            return
        self._times_s.append(time_s)
        self._pictures.append(_thumbnail(picture))
        if len(self._times_s) > _MOST:
            del self._times_s[1::2], self._pictures[1::2]
            self._step_s = (self._times_s[-1] - self._times_s[0]) / (len(self._times_s) - 1)

    def at(self, time_s: float) -> Thumbnail | None:
        """The thumbnail nearest to `time_s`."""
        if not self._times_s:
            return None
        after = bisect.bisect_left(self._times_s, time_s)
        nearest = min(
            range(max(0, after - 1), min(after + 1, len(self._times_s))),
            key=lambda index: abs(self._times_s[index] - time_s),
        )
        return self._pictures[nearest]


def _thumbnail(picture: Picture) -> Thumbnail:
    from PIL import Image  # imported late: most importers of this package draw nothing

    image = Image.fromarray(picture)
    image.thumbnail((WIDTH, _HEIGHT), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return Thumbnail(file.getvalue(), *image.size)
