"""A folder of pictures, taken at a constant rate, as a video. Knows no container."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import InputError
from svlm_cli.core.moments import Moments
from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Frame, Picture
from svlm_cli.sources.grid import ON_TIME_S

_SUFFIXES: Final = (".jpg", ".jpeg", ".png")
_NUMBER: Final = re.compile(r"\d+")


class PictureFolder:
    """The pictures of a folder, ordered by the numbers in their names, at `fps`. `InputError` if there are none."""

    first_s = 0.0

    def __init__(self, folder: Path, fps: float) -> None:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
        if not found:
            raise InputError(f"{plain_text(str(folder))} holds no pictures.", "Fetch it again.")
        self._paths = sorted(found, key=lambda path: ([*map(int, _NUMBER.findall(path.stem))], path.name))
        self._fps = fps
        self.end_s = len(self._paths) / fps

    def at(self, moments: Moments) -> tuple[Picture, ...]:
        """The pictures on screen at `moments`. Raises `InputError`."""
        return tuple(_picture(self._path_at(time_s)) for time_s in moments)

    def frames(self, start_s: float | None, end_s: float | None) -> Iterator[Frame]:
        """From the picture on screen at `start_s` up to `end_s`, exclusive. Raises `InputError`."""
        start_s = start_s or 0.0
        for index, path in enumerate(self._paths):
            time_s, next_s = index / self._fps, (index + 1) / self._fps
            if next_s > start_s + ON_TIME_S and (end_s is None or time_s < end_s - ON_TIME_S):
                yield Frame(_picture(path), max(time_s, start_s))

    def _path_at(self, time_s: float) -> Path:
        index = int((time_s + ON_TIME_S) * self._fps)
        return self._paths[min(max(index, 0), len(self._paths) - 1)]


def _picture(path: Path) -> Picture:
    import numpy as np  # imported late: most importers of this package read no pictures
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{plain_text(str(path))} cannot be read as a picture.", "Fetch it again.") from error
