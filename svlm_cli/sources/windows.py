"""Random access into local files through decord: the frames of a training window, or a whole file.

decord is fast where it works and silently wrong where it does not, so ffmpeg inspects a file first and decord gets only
what it is known to read; everything else goes through the pipe. Its timestamps are used, never its average rate. It
decodes ahead without a limit, so it does not suit slow readers. Knows no training.
"""

import importlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Frame, Picture
from svlm_cli.media.ffmpeg import LARGE_PIXELS, Ffmpeg, file_address, find_ffmpeg
from svlm_cli.media.header import StreamKind
from svlm_cli.sources.grid import ON_TIME_S, frame_rate, moment, moments_before
from svlm_cli.sources.pipe import PicturePipe
from svlm_cli.sources.sequential import Reading, read_in_order

_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")  # elsewhere its seeks or times were found to be wrong
_CODECS = ("h264", "hevc", "mpeg4", "vp8", "vp9")  # reliable in its own FFmpeg, 4.1.6 of 2020
_LONGEST_S = 8192.0  # its times are 32-bit floats: beyond this they are off by up to half a millisecond


class DecordUnfitError(Exception):
    """decord cannot be trusted with this file, or has just failed on it. The message is the end of a sentence."""


class DecordVideo:
    """A file open in decord. `InputError` if ffmpeg cannot read it, `DecordUnfitError` if decord should not."""

    def __init__(self, program: Ffmpeg, path: str | os.PathLike[str], *, enough_pixels: int | None = None) -> None:
        address = replace(file_address(path), enough_pixels=enough_pixels)
        with PicturePipe(program, address, Fraction(1)) as pipe:
            picture = pipe.read()
            first_s = pipe.first_s()
            log = pipe.log
        if picture is None or first_s is None:
            raise log.failure(address)
        if log.container not in _CONTAINERS or not _is_plainly_so(path):
            raise DecordUnfitError(f"it is unreliable with {log.container}")
        if any(stream.codec not in _CODECS for stream in log.streams if stream.kind is StreamKind.VIDEO):
            raise DecordUnfitError("its FFmpeg is too old for these pictures")
        if log.turned or log.anamorphic or log.videos != 1:
            raise DecordUnfitError("it does not follow rotation, pixel shape or a choice of streams")
        if enough_pixels is not None and log.pixels > LARGE_PIXELS:
            raise DecordUnfitError("it cannot shrink large pictures")
        self.log = log
        self._reader = _open_reader(path)
        self._times_s, self._end_s = _check_times(self._reader, first_s - log.origin_s, log.duration_s)

    @property
    def first_s(self) -> float:
        """When the first picture appears."""
        return float(self._times_s[0])

    @property
    def end_s(self) -> float:
        """When the last picture disappears."""
        return self._end_s

    def frames(self, rate: Fraction, *, start_s: float | None, end_s: float | None) -> Iterator[Frame]:
        """Like `read_in_order`; `DecordUnfitError` where decord fails on the way."""
        start_s = self.first_s if start_s is None else max(start_s, self.first_s)
        count = moments_before(start_s, self._end_s if end_s is None else min(end_s, self._end_s), rate)
        yield from self.frames_at([moment(start_s, index, rate) for index in range(count)])

    def frames_at(self, times_s: Sequence[float]) -> Iterator[Frame]:
        """The picture on screen at each of these times, which are sorted and not before the first picture."""
        shown = np.searchsorted(self._times_s, np.array(times_s) + ON_TIME_S, side="right") - 1
        last, pixels = -1, None
        for time_s, index in zip(times_s, shown.tolist(), strict=True):
            if index != last or pixels is None:
                last, pixels = index, self._picture(index, time_s)
            yield Frame(pixels, time_s, container_s=time_s + self.log.origin_s)

    def _picture(self, index: int, time_s: float) -> Picture:
        try:
            pixels: Picture = self._reader.get_batch([index]).asnumpy()[0]
        except Exception as error:  # its errors have no common base class
            raise DecordUnfitError(f"it failed at {time_s:.1f} s") from error
        return pixels


def read_window(
    path: str | os.PathLike[str], start_s: float, end_s: float, *, fps: float, enough_pixels: int | None = None
) -> tuple[Frame, ...]:
    """The frames on screen at ``start_s + k / fps``, before `end_s`, on a player's clock, as in `grid.py`.

    Uses decord where it can be trusted, else ffmpeg. Fewer frames, or none, if the file ends earlier. Pictures larger
    than 4K are reduced to `enough_pixels`. `InputError` if the file cannot be read.
    """
    rate = frame_rate(fps)
    if not 0 <= end_s - start_s < float("inf"):
        raise UsageError(f"A window cannot reach from {start_s:g} s to {end_s:g} s.")
    program = find_ffmpeg()
    try:
        video = DecordVideo(program, path, enough_pixels=enough_pixels)
        return tuple(video.frames(rate, start_s=start_s, end_s=end_s))
    except DecordUnfitError:
        address = replace(file_address(path), enough_pixels=enough_pixels)
        return tuple(read_in_order(program, address, rate, start_s=start_s, end_s=end_s, reading=Reading()))


def _is_plainly_so(path: str | os.PathLike[str]) -> bool:
    """Whether the first bytes identify the container: decord probes again, and opens whatever it detects."""
    with Path(path).open("rb") as file:
        begin = file.read(8)
    return begin[4:] == b"ftyp" or begin.startswith(b"\x1a\x45\xdf\xa3")


def _open_reader(path: str | os.PathLike[str]) -> Any:
    if importlib.util.find_spec("torch") is not None:
        importlib.import_module("torch")  # torch fails to load after decord
    try:
        decord = importlib.import_module("decord")
    except (ImportError, OSError) as error:
        raise DecordUnfitError("it is not installed") from error
    decord.logging.set_level(decord.logging.QUIET)
    try:
        # Without this, an undecodable picture would silently be a copy of another one.
        return decord.VideoReader(str(Path(path).absolute()), ctx=decord.cpu(0), fault_tol=1e-9)
    except Exception as error:  # RuntimeError, AssertionError or its own class, depending on the failure
        raise DecordUnfitError("it cannot open it") from error


def _check_times(reader: Any, first_s: float, header_end_s: float | None) -> tuple[NDArray[np.float64], float]:
    """When each picture appears and when the last one disappears, on a player's clock."""
    spans = np.asarray(reader.get_frame_timestamp(range(len(reader))), dtype=np.float64)
    begins = spans[:, 0]
    # decord's times start at the stream's first packet, but ignore an edit list.
    if not np.isfinite(spans).all() or begins[0] != 0 or (np.diff(begins) <= 0).any():
        raise DecordUnfitError("it reports impossible times")
    end_s = first_s + float(spans[-1, 1])
    if end_s > _LONGEST_S:
        raise DecordUnfitError(f"its times lose their precision after {_LONGEST_S:g} s")
    if header_end_s is not None and abs(header_end_s - end_s) > 1:
        raise DecordUnfitError("it reports another duration")
    return first_s + begins, end_s
