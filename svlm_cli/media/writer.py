"""Encodes pictures as an H.264 video file, through a pipe into ffmpeg.

Pictures are passed on at once, so a video may last for hours. Does not know what they show.
"""

import subprocess
import tempfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import ffmpeg
import numpy as np

from svlm_cli.core.errors import OutputError
from svlm_cli.core.process import start
from svlm_cli.core.types import Picture
from svlm_cli.media.container import Container
from svlm_cli.media.conversion import check_whole
from svlm_cli.media.ffmpeg import find_ffmpeg
from svlm_cli.media.header import StreamKind
from svlm_cli.media.part import PartVideo

_HINT = "Use -o to write elsewhere."
_CRF = 16  # visually lossless; 4:2:0, which every player supports


class VideoWriter:
    """Writes pictures of one size to `path`, at `rate`. A context manager: an error inside it removes the file.

    Raises `OutputError` if the file cannot be written, or exists and must not be replaced; `InputError` without ffmpeg.
    Width and height must be even.
    """

    def __init__(self, path: Path, *, width: int, height: int, rate: Fraction, overwrite: bool) -> None:
        if width % 2 or height % 2:
            raise OutputError(f"A picture of {width}x{height} cannot be stored.", "Width and height have to be even.")
        self._video = PartVideo(path, overwrite=overwrite)
        self._size = (height, width, 3)
        self._rate = rate
        self._pictures = 0
        self._program = find_ffmpeg()
        command = _command(self._program.path, self._video.part, width, height, rate)
        inherited = self._video.open()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        try:
            self._process = start(command, stdin=subprocess.PIPE, stderr=self._log, pass_fds=inherited)
        except OSError as error:
            self._log.close()
            self._video.abandon()
            raise self._program.not_started(error) from error
        assert self._process.stdin is not None
        self._pipe = self._process.stdin

    def write(self, pictures: Picture) -> None:
        """Write pictures, ``[N, H, W, 3]``; blocks while ffmpeg is busy. Raises `OutputError`."""
        assert pictures.dtype == np.uint8
        assert pictures.shape[1:] == self._size
        try:
            self._pipe.write(np.ascontiguousarray(pictures).data)
            self._pictures += len(pictures)
        except OSError as error:
            raise self._failure() from error

    def close(self) -> None:
        """Complete the video and give it its final name. Raises `OutputError`."""
        try:
            try:
                self._pipe.close()
            except OSError as error:
                raise self._failure() from error
            if failure := self._video.failure(self._process.wait(), self._log, _HINT):
                raise failure
            length_s = float(self._pictures / self._rate)
            check_whole(self._program, self._video, Container.MP4, {StreamKind.VIDEO: 1}, length_s)
            self._video.complete()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End ffmpeg and leave no partial file behind. Does nothing after `close`."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):  # unwritten data is discarded
            self._pipe.close()
        self._log.close()
        self._video.abandon()

    def _failure(self) -> OutputError:
        """Why ffmpeg accepts no more data."""
        code = self._process.wait()
        return self._video.failure(code, self._log, _HINT) or self._video.incomplete

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _command(program: str, path: Path, width: int, height: int, rate: Fraction) -> list[str]:
    colours = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    pictures = ffmpeg.input("pipe:0", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=str(rate))
    output = pictures.filter("scale", out_color_matrix="bt709").output(
        f"file:{path}",
        f="mp4",
        movflags="+faststart",  # or the file could not be read from a pipe
        vcodec="libx264",
        crf=_CRF,
        preset="veryfast",
        pix_fmt="yuv420p",
        **colours,
    )
    arguments: list[str] = output.compile(program, overwrite_output=True)
    return [arguments[0], "-hide_banner", "-nostats", "-loglevel", "level+error", *arguments[1:]]
