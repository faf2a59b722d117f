"""One run of ffmpeg that converts files to a video file, with progress; and the header of a file.

Does not know what is converted into what: its caller does.
"""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from svlm_cli.core.errors import InputError
from svlm_cli.core.process import run, start
from svlm_cli.media.container import Container
from svlm_cli.media.ffmpeg import KEEPS_LEAPS, Address, Ffmpeg, file_address
from svlm_cli.media.header import Stream, StreamKind
from svlm_cli.media.log import Log
from svlm_cli.media.message import Message, read_messages, whole_lines
from svlm_cli.media.part import PartVideo

Progress = Callable[[float], None]
"""Called with the seconds of video that are done."""

_HEADER_TIMEOUT_S = 60.0
_SHORTER_S = 1.0  # a complete file may be shorter than its input by this much: ffmpeg's two clocks round differently


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file, as ffmpeg reports it."""

    container: str  # ffmpeg's name for it, such as "matroska,webm"
    begin_s: float  # on a player's clock: above 0 if players show a gap first
    origin_s: float  # where players start counting, on the file's own clock
    duration_s: float | None
    streams: tuple[Stream, ...]

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture, upright."""
        for stream in self.of(StreamKind.VIDEO):
            if stream.size is not None:
                return stream.size[::-1] if round(stream.turn_degrees) % 180 else stream.size
        return None

    @property
    def rate(self) -> float | None:
        """The average number of pictures per second."""
        return next((stream.rate for stream in self.of(StreamKind.VIDEO)), None)

    def of(self, *kinds: StreamKind) -> tuple[Stream, ...]:
        """The streams of these kinds."""
        return tuple(stream for stream in self.streams if stream.kind in kinds)


def input_options(address: Address) -> list[str]:
    """Options to open a source with the same restrictions as for captioning."""
    return ["-protocol_whitelist", address.protocols, "-format_whitelist", address.formats, "-i", address.url]


def read_header(program: Ffmpeg, address: Address) -> Header:
    """Read a file's header. Raises `InputError` if it cannot be opened."""
    command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "level+info", *input_options(address)]
    try:
        done = run(command, timeout_s=_HEADER_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"ffmpeg cannot look at {address.name}.", "Install ffmpeg again.") from error
    log = Log()
    for line in done.stderr.decode(errors="replace").split("\n"):
        log.feed(line)
    if not log.container:
        raise log.failure(address)
    begin_s = log.begin_s - log.origin_s
    return Header(log.container, begin_s, log.origin_s, log.duration_s, log.streams)


def convert(
    program: Ffmpeg,
    arguments: Sequence[str],
    video: PartVideo,
    container: Container,
    needs: Mapping[StreamKind, int],
    *,
    hint: str,
    folder: Path,
    on_progress: Progress,
    notable: Callable[[Message], bool] = lambda message: False,
) -> bool:
    """Run ffmpeg with `arguments` in `folder`; the file gets its name once it is complete, with all streams in `needs`.

    Returns whether any of ffmpeg's warnings is `notable`. Raises `OutputError`, with `hint` if ffmpeg fails. On any
    error ffmpeg is ended and no partial file is left.
    """
    command = [program.path, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+warning", *KEEPS_LEAPS, "-y"]
    command += ["-progress", "pipe:1", *arguments, *container.options, f"file:{video.part.absolute()}"]
    inherited, sent_s = video.open(), 0.0
    try:
        with tempfile.TemporaryFile() as log, _start(command, log, folder, inherited) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if match := re.fullmatch(rb"out_time_us=(\d+)\n", line):
                        sent_s = int(match[1]) / 1e6
                        on_progress(sent_s)
                if error := video.failure(process.wait(), log, hint):
                    raise error
            finally:
                process.kill()
            check_whole(program, video, container, needs, sent_s)
            video.complete()
            log.seek(0)
            return any(map(notable, read_messages(whole_lines(log))))
    finally:
        video.abandon()


def _start(command: Sequence[str], log: IO[bytes], folder: Path, inherited: tuple[int]) -> subprocess.Popen[bytes]:
    try:
        return start(command, stdout=subprocess.PIPE, stderr=log, cwd=folder, pass_fds=inherited)
    except OSError as error:
        raise Ffmpeg.not_started(error) from error


def check_whole(
    program: Ffmpeg, video: PartVideo, container: Container, needs: Mapping[StreamKind, int], sent_s: float
) -> None:
    """Read back the written file: `OutputError` unless it is complete and as long as its input."""
    try:
        whole = container.is_whole(video.part)
        header = read_header(program, file_address(video.part.absolute()))
    except (OSError, InputError):
        whole, header = False, None
    if header is not None:
        found = Counter(stream.kind for stream in header.streams)
        whole &= all(found[kind] >= count for kind, count in needs.items())
        whole &= header.duration_s is not None and header.duration_s >= sent_s - _SHORTER_S
    if not whole:
        raise video.incomplete
