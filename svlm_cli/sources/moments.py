"""Single pictures of a video at any moments, without decoding everything between them.

Uses decord's random access where it can be trusted, else ffmpeg: one pass where the moments are close together, a
seek to each where they are far apart. Times are a player's. Does not choose the moments.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import Final

from svlm_cli.core.errors import InputError
from svlm_cli.core.moments import Moments
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, file_address, find_ffmpeg
from svlm_cli.sources.grid import ON_TIME_S, frame_rate, moment
from svlm_cli.sources.pipe import PicturePipe
from svlm_cli.sources.sequential import Reading, read_in_order
from svlm_cli.sources.windows import DecordUnfitError, DecordVideo

_FAR_S: Final = 20.0  # between moments: beyond this, a new ffmpeg with a seek is cheaper than decoding on
_ONE_S: Final = 0.5  # long enough to contain the picture on screen at its start


class StillsOf:
    """A video file to take pictures from. `InputError` if it cannot be read."""

    def __init__(self, path: str | os.PathLike[str], *, enough_pixels: int | None = None) -> None:
        self._program = find_ffmpeg()
        self._address = replace(file_address(path), enough_pixels=enough_pixels)
        self._decord: DecordVideo | None = None
        try:
            self._decord = DecordVideo(self._program, path, enough_pixels=enough_pixels)
            self.first_s, self.end_s = self._decord.first_s, self._decord.end_s
        except DecordUnfitError:
            self.first_s, self.end_s = _span(self._program, self._address)

    def at(self, moments: Moments) -> tuple[Picture, ...]:
        """The pictures on screen at `moments`. `InputError` if one of them cannot be decoded."""
        if self._decord is not None:
            try:
                return tuple(frame.pixels for frame in self._decord.frames_at([*moments]))
            except DecordUnfitError:
                self._decord = None
        if moments.step_s > _FAR_S:
            found = [picture for time_s in moments for picture in self._read(Moments(time_s, _ONE_S, 1))]
        else:
            found = [*self._read(moments)]
        if len(found) < moments.count:
            raise InputError(f"{self._address.name} cannot be decoded to its end.", "Fetch it again.")
        return tuple(found)

    def _read(self, moments: Moments) -> Iterator[Picture]:
        """Decode with ffmpeg from the first moment to the last, or to the end of the video."""
        rate = frame_rate(1 / moments.step_s)
        end_s = moment(moments.start_s, moments.count, rate) - ON_TIME_S
        frames = read_in_order(
            self._program, self._address, rate, start_s=moments.start_s, end_s=end_s, reading=Reading()
        )
        with closing(frames):
            for _, frame in zip(range(moments.count), frames, strict=False):
                yield frame.pixels


def _span(program: Ffmpeg, address: Address) -> tuple[float, float]:
    """The time of the first and of the last picture, from the header."""
    with PicturePipe(program, address, Fraction(1)) as pipe:
        picture, first_s, log = pipe.read(), pipe.first_s(), pipe.log
    if picture is None or first_s is None:
        raise log.failure(address)
    if log.duration_s is None:
        raise InputError(f"{address.name} does not say how long it is.", "Convert it to MP4.")
    return first_s - log.origin_s, log.duration_s
