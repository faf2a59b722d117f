"""One run of ffmpeg that turns files into a video file, with progress; and what the header of a file says.

Knows not what is converted into what: that is its caller's affair.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.core.errors import InputError
from svlm_cli.media.ffmpeg import Address, Ffmpeg
from svlm_cli.media.log import Log
from svlm_cli.media.part import PartVideo

Progress = Callable[[float], None]
"""Called with how much of the video is done, in seconds."""

_HEADER_TIMEOUT_S = 60.0
_RATE = re.compile(r"Stream #0:\S+: Video: .*?\b(\d+(?:\.\d+)?)(k?) fps\b")
_SUBTITLE = re.compile(r"Stream #0:\S+: Subtitle: (\w+)")
_SIZE = re.compile(r"Stream #0:\S+: Video: .*?\b(\d{2,5})x(\d{2,5})\b")

_ROTATION = re.compile(r"rotation of (-?\d+\.\d+) degrees")


@dataclass(frozen=True, slots=True)
class Header:
    """What ffmpeg says of a file before it reads on."""

    begin_s: float  # on the file's own clock
    duration_s: float | None
    size: tuple[int, int] | None  # width and height of its pictures, upright
    rate: float | None  # pictures a second, on average
    subtitles: tuple[str, ...]  # ffmpeg's names of their formats, in order


def input_options(address: Address) -> list[str]:
    """Opens a source as safely as when it was captioned."""
    return ["-protocol_whitelist", address.protocols, "-format_whitelist", address.formats, "-i", address.url]


def read_header(program: Ffmpeg, address: Address) -> Header:
    """Raises `InputError` if the file cannot be opened."""
    command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "level+info", *input_options(address)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_HEADER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"ffmpeg cannot look at {address.name}.", "Install ffmpeg again.") from error
    text = done.stderr.decode(errors="replace")
    log = Log()
    for line in text.splitlines():
        log.feed(line)
    if not log.container:
        raise log.failure(address)
    rate = _RATE.search(text)
    size = tuple(map(int, match.groups())) if (match := _SIZE.search(text)) else None
    if size is not None and (turn := _ROTATION.search(text)) and round(float(turn[1])) % 180:
        size = size[::-1]
    return Header(
        begin_s=log.begin_s,
        duration_s=log.duration_s,
        rate=None if rate is None else float(rate[1]) * (1000 if rate[2] else 1),
        size=None if size is None else (size[0], size[1]),
        subtitles=tuple(_SUBTITLE.findall(text)),
    )


def convert(
    program: Ffmpeg, arguments: Sequence[str], video: PartVideo, *, hint: str, folder: Path, on_progress: Progress
) -> str:
    """Run ffmpeg with `arguments`, in `folder`, and name the file when it is complete. Returns ffmpeg's warnings.

    Raises `OutputError` with `hint` if ffmpeg fails. Whatever is raised, ffmpeg is gone and no half of a file is left.
    """
    command = [program.path, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+warning"]
    command += ["-progress", "pipe:1", "-y", *arguments, f"file:{video.part.absolute()}"]
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                process_group=0,  # a Ctrl-C is for us: we end ffmpeg and take its file away
            )
        except OSError as error:
            raise InputError(f"ffmpeg cannot be started: {error.strerror}.", "Install ffmpeg again.") from error
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := re.fullmatch(rb"out_time_us=(\d+)\n", line):
                    on_progress(int(match[1]) / 1e6)
            if process.wait() != 0:
                raise video.failure(log, hint)
            try:
                video.complete()
            except OSError as error:
                raise video.failure(log, hint) from error
            log.seek(0)
            return log.read().decode(errors="replace")
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
            video.abandon()
