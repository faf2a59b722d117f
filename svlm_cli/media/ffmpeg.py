"""The ffmpeg program: where it is, what it may open, and the command that turns a source into pictures.

Knows no process (`sources/pipe.py` runs it) and does not parse ffmpeg's output (`media/log.py`, `media/nut.py`).
"""

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from svlm_cli.core.errors import InputError
from svlm_cli.core.process import run
from svlm_cli.core.text import presentable

MAX_PIXELS = 64 * 1024 * 1024  # per coded picture; 8K has half as many
LARGE_PIXELS = 4096 * 2304  # 4K at any aspect ratio; larger pictures are reduced before they are handed over
LONGEST_STEP_US = 3_600_000_000  # on the source's clock: a longer step between pictures is a broken clock
KEEPS_LEAPS = ("-dts_delta_threshold", str(LONGEST_STEP_US // 1_000_000))  # the same for ffmpeg's own correction
LONGEST_LIVE_STEP_US = 10_000_000  # the same for a live source, whose clock may be set at any time

# Formats that ffmpeg may detect. Left out on purpose: those that open further files or addresses (hls, concat, dash,
# image2, sdp, imf ...), and text rendered as pictures (tty).
_HALF_AN_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:[:/]|$)|[\w.-]+:\d{1,5}(?:/|$)|[a-z]+:/")
FORMATS = ",".join(
    """
    mov,mp4,m4a,3gp,3g2,mj2 matroska,webm mpegts mpegtsraw mpeg mpegvideo avi flv live_flv kux asf asf_o ogg mxf gxf
    wtv nut rm ivr nsv ivf h261 h263 h264 hevc vvc evc av1 obu m4v mjpeg mjpeg_2000 mpjpeg vc1 vc1test dirac cavsvideo
    avs2 avs3 dv dnxhd yuv4mpegpipe swf gif apng webp_anim png_pipe jpeg_pipe webp_pipe bmp_pipe tiff_pipe dhav pva nuv
    ty lmlm4 mlv cine r3d bink smk roq flic film_cpk vivo xmv
    mp3 aac wav w64 flac ac3 eac3 dts aiff amr ape wv caf au
    """.split()
)


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg executable."""

    path: str

    @staticmethod
    def not_started(error: OSError) -> InputError:
        """The error for an ffmpeg that cannot be started."""
        return InputError(f"ffmpeg cannot be started: {error.strerror}.", "Install ffmpeg again.")

    def version(self) -> str:
        """Its version, such as ``5.1.9-0+deb12u1``."""
        try:
            text = run([self.path, "-version"], timeout_s=20, check=True).stdout.decode(errors="replace")
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(f"{self.path} does not run.", "Install ffmpeg again.") from error
        match = re.match(r"ffmpeg version (\S+)", text)
        return match[1] if match else "unknown"


def find_ffmpeg() -> Ffmpeg:
    """The ffmpeg on PATH, else the one in the package imageio-ffmpeg; `InputError` without either."""
    path = shutil.which("ffmpeg")
    if path is None:
        try:
            import imageio_ffmpeg

            path = str(imageio_ffmpeg.get_ffmpeg_exe())
        except (ImportError, RuntimeError) as error:
            raise InputError(
                "ffmpeg was not found.", "Install it (Debian: apt install ffmpeg), or pip install imageio-ffmpeg."
            ) from error
    return Ffmpeg(path)


@dataclass(frozen=True, slots=True)
class Address:
    """Where ffmpeg reads from, and what it may open to do so."""

    url: str = field(repr=False)
    name: str  # shown to people: short, printable, without credentials
    protocols: str
    formats: str = FORMATS
    seekable: bool = False
    stdin: bool = False
    fed: bool = False  # svlm writes the data into ffmpeg's stdin
    goodbye: bool = False  # ffmpeg should close its session, or the server keeps it open
    options: tuple[tuple[str, str], ...] = ()  # for the input
    enough_pixels: int | None = None  # target for a picture of more than LARGE_PIXELS; None: not reduced
    script: str = field(default="", repr=False)  # sent to ffmpeg's stdin, because arguments are visible to all users
    secrets: tuple[str, ...] = field(default=(), repr=False)  # redacted in messages

    def presentable(self, text: str) -> str:
        """Ffmpeg's text about this source, made safe for logs and terminals."""
        for secret in self.secrets:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", "...", text)
        return presentable(text)


def stdin_address() -> Address:
    """Standard input; `InputError` if it is a terminal."""
    if os.isatty(0):
        raise InputError("Standard input is a terminal.", "Send a video into it: ffmpeg ... | svlm caption -")
    return Address(url="pipe:0", name="standard input", protocols="pipe,fd", stdin=True)


def _hint_for(name: str) -> str:
    """A suggestion if the name does not exist as a file."""
    if "@" in name or _HALF_AN_ADDRESS.match(name):
        return "Check its name; an address begins with its kind, as in rtsp://."
    if name.startswith("/dev/"):
        return "Plug it in, and name its kind, as in --input-format v4l2."
    return "Check its name."


def file_address(path: str | os.PathLike[str], *, grows: bool = False) -> Address:
    """A file that exists and can be opened; `InputError` with the reason otherwise. With `grows` it may be empty."""
    file = Path(path)
    name = path_name(path)
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{name} is a folder.", "Name the video files in it.")
        regular = stat.S_ISREG(status.st_mode)
        if regular:
            with file.open("rb"):
                pass
    except FileNotFoundError:
        raise InputError(f"{name} does not exist.", _hint_for(name)) from None  # the cause would quote the full path
    except PermissionError as error:
        raise InputError(f"{name} cannot be read: permission denied.", "Check its permissions.") from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name} cannot be opened: {getattr(error, 'strerror', None) or error}.", "Check its name."
        ) from error
    if regular and status.st_size == 0 and not grows:
        raise InputError(f"{name} is empty.", "Copy or record it again.")
    # With the prefix ffmpeg does not interpret the name as a protocol or an option.
    return Address(url=f"file:{file}", name=name, protocols="file,pipe,fd", seekable=regular)


def path_name(path: str | os.PathLike[str]) -> str:
    """A path as it is shown."""
    return presentable(os.fspath(path)) or "''"


class Timing(StrEnum):
    """The clock that times a live source's pictures."""

    ARRIVAL = "arrival"  # pictures are sent as soon as they are decoded; the reader notes the time
    SOURCE = "source"  # pictures are 1 / rate apart on the source's clock, which may be set at any time


def picture_command(
    program: Ffmpeg,
    address: Address,
    rate: Fraction,
    *,
    on_time_s: float,
    start_s: float | None = None,
    seek_s: float | None = None,
) -> list[str]:
    """The command that writes `rate` pictures per second to stdout, as NUT (see `media/nut.py`).

    Picture k is the newest one whose time is <= t0 + k / rate, or later by at most `on_time_s`; t0 is the time of the
    first picture, or `start_s` if the source has begun by then. Two marker rows precede each picture, one white, one
    black: the length of the white one is the picture's width. ffmpeg logs the time of the first decoded picture in
    microseconds, as a number alone on a line (`media/log.py`). All these times, including `start_s`, are on the
    source's own clock.

    Decoding starts at `seek_s`; the caller checks that the first decoded picture is not after `start_s`.
    """
    options = _input_options(address)
    # Without ffmpeg's start offset, which is rounded to ticks; this also turns off its timestamp corrections.
    options["copyts"] = None
    # Not exactly 0: FFmpeg 5 would move a transport stream whose audio starts at 0 to the start of its video.
    options["itsoffset"] = "0.000001"
    start = "STARTPTS" if start_s is None else round(start_s * 1e6)
    # Inside max(), because ffmpeg drops the sign of a subtracted print().
    times = _clamped(f"PTS-max(print(STARTPTS),{start})-{round(on_time_s * 1e6)}", LONGEST_STEP_US)
    if seek_s is not None:
        options |= {"ss": f"{seek_s:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
    pictures = ffmpeg.input("", **options)["V:0"].filter("settb", "AVTB").filter("setpts", times)
    return _command(program, address, _every(pictures, rate))


def live_command(program: Ffmpeg, address: Address, rate: Fraction, timing: Timing) -> list[str]:
    """As `picture_command`, for an endless source: about `rate` pictures per second, without delay."""
    options = _input_options(address)
    # With frame threading each thread holds back a picture; with slice threading none does.
    options |= {"threads": 2, "thread_type": "slice"}
    pictures = ffmpeg.input("", **options)["V:0"].filter("settb", "AVTB")
    if timing is Timing.SOURCE:
        pictures = _every(pictures.filter("setpts", _clamped("0", LONGEST_LIVE_STEP_US)), rate)
    else:
        # The first picture in each 1 / rate by decoding time, since a camera's clock may jump. This machine's clock may
        # jump too, so only differences between pictures count; a negative one counts as 0.
        pictures = pictures.filter(
            "setpts", "if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+max(1,RTCTIME-ld(0)))+0*st(0,RTCTIME)"
        )
        cell = f"floor({{}}*{rate.numerator}/{rate.denominator})"
        pictures = pictures.filter(
            "select", f"isnan(prev_selected_t)+gt({cell.format('t')},{cell.format('prev_selected_t')})"
        )
    return _command(program, address, pictures)


def _input_options(address: Address) -> dict[str, object]:
    return {
        "protocol_whitelist": address.protocols,
        "format_whitelist": address.formats,
        "max_pixels": MAX_PIXELS,
        # A filter graph rebuilt for a new picture size would lose the time position, and pictures.
        "reinit_filter": 0,
        **dict(address.options),
    }


def _clamped(start: str, longest_step_us: int) -> str:
    """An expression for times that start with `start` and advance by the source's steps, ignoring impossible ones."""
    step = "(PTS-PREV_INPTS)"
    return f"if(isnan(PREV_INPTS),{start},PREV_OUTPTS+{step}*between({step},0,{longest_step_us}))"


def _every(pictures: Any, rate: Fraction) -> Any:
    return pictures.filter("fps", fps=f"{rate.numerator}/{rate.denominator}", start_time=0, round="up")


def _size(address: Address) -> tuple[str, str]:
    """Expressions for the output width and height: square pixels, within the pixel limit."""
    width = "max(1,round(iw*clip(sar,1/4,4)))"
    if address.enough_pixels is None:
        return width, "ih"
    too_large = f"gt({width}*ih,{LARGE_PIXELS})"
    share = f"min(1,sqrt({address.enough_pixels}/({width}*ih)))"
    return f"if({too_large},ceil({width}*{share}),{width})", f"if({too_large},ceil(ih*{share}),ih)"


def _command(program: Ffmpeg, address: Address, pictures: Any) -> list[str]:
    width, height = _size(address)
    pictures = (
        pictures.filter("scale", w=width, h=height, eval="frame")
        .filter("setsar", "1")
        .filter("format", "rgb24")
        .filter("pad", w="iw", h="ih+1", y=1, color="black", eval="frame")
        .filter("pad", w="iw", h="ih+1", y=1, color="white", eval="frame")
    )
    # The encoder must be rawvideo: others keep the first picture's size. With several threads it would hold pictures
    # back.
    output = pictures.output("pipe:1", f="nut", vcodec="rawvideo", threads=1, write_index=0, flush_packets=1)
    arguments: list[str] = output.compile(program.path)
    arguments[arguments.index("-i") + 1] = address.url  # set afterwards, because ffmpeg-python accepts only UTF-8 names
    # Only at this level ffmpeg logs by how much it corrects the start of a transport stream.
    return [arguments[0], "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+verbose", *arguments[1:]]
