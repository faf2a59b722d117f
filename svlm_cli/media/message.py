"""Parses one line of ffmpeg's log into fields. Does not interpret it.

Lines contain names and titles, which may look like anything, so nothing is searched for in the middle of a line.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from svlm_cli.core.errors import NO_ROOM

LINE_BYTES = 2000
_FIELDS = re.compile(r"((?:\[[^\]]*\] )*?)\[(panic|fatal|error|warning|info|verbose|debug|trace)\] (.*)", re.DOTALL)
_NO_ROOM = "|".join(re.escape(os.strerror(number)) for number in NO_ROOM)
_WRITING = re.compile(
    r"(?:Error (?:writing trailer|closing file|muxing a packet|submitting a packet to the muxer)"
    r"|av_interleaved_write_frame\(\))\b.*"
)


@dataclass(frozen=True, slots=True)
class Message:
    """A line of ffmpeg's with ``-loglevel level+...``."""

    component: str  # the speaker, such as "mp4 @ 0x55d1"; empty for ffmpeg itself
    level: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it reports an error."""
        return self.level in ("panic", "fatal", "error")

    @property
    def no_room(self) -> bool:
        """Whether the disk is full, or the file has reached its size limit."""
        return self.is_error and says(self.text, _NO_ROOM) is not None

    @property
    def not_written(self) -> bool:
        """Whether it says that output is missing; ffmpeg may still exit with 0."""
        return self.is_error and _WRITING.match(self.text) is not None


def read_message(line: str) -> Message | None:
    """Parse a line; None if it continues the message before it."""
    match = _FIELDS.match(line)
    return None if match is None else Message(match[1].strip(" []"), match[2], match[3])


def says(text: str, pattern: str) -> re.Match[str] | None:
    """Whether `text` is `pattern`, or ends with it as the reason after the last colon, behind all names."""
    return re.fullmatch(pattern, text) or re.fullmatch(pattern, text.rpartition(": ")[2].strip())


def whole_lines(stream: IO[bytes] | io.BufferedIOBase) -> Iterator[str]:
    """The lines of ffmpeg's stderr, without line ends; an overlong line is cut."""
    begins = True
    while piece := stream.readline(LINE_BYTES):
        if begins:
            yield piece.decode(errors="replace").rstrip("\r\n")
        begins = piece.endswith(b"\n")


def read_messages(lines: Iterable[str]) -> Iterator[Message]:
    """The lines that are messages."""
    for line in lines:
        if (message := read_message(line)) is not None:
            yield message
