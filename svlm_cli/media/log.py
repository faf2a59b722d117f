"""Interprets ffmpeg's log: facts about the source, and one clear sentence when it fails.

`Log` interprets lines; `LogReader` drains the pipe while ffmpeg runs. Both need bounded memory, whatever ffmpeg prints.
Knows neither the process nor its pictures.
"""

import io
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from svlm_cli.core.errors import InputError
from svlm_cli.core.text import presentable
from svlm_cli.media.ffmpeg import Address
from svlm_cli.media.header import Stream, StreamKind, StreamReader
from svlm_cli.media.message import Message, read_message, says, whole_lines

_KEPT_ERRORS = 20
_KEPT_REQUESTS = 32  # per playlist
_MOST_PLAYLISTS = 32  # of one stream
_MOV, _MATROSKA = "mov,", "matroska,"

_INPUT = re.compile(r"Input #0, (\S+), from '")
_DURATION = re.compile(r"  Duration: (?:N/A|(\d+):(\d+):(\d+\.\d+))(?:, start: (-?\d+\.\d+))?")
_FIRST_PICTURE = re.compile(r"(-?\d+\.\d{6})\s*")
_DESCRIPTION = "SDP:"  # describes an RTSP session
_REQUEST = re.compile(r"HLS request for url '(.*)', offset (\d+), playlist (\d+)")
_CHANGED = re.compile(r"filter context - w:|Changing video frame properties on the fly")
_CUT_OFF = (
    r"(?:stream \d+,|root atom) offset 0x[0-9a-f]+: partial file"
    r"|failed to (?:find|seek) .* - partial file\?|File ended prematurely.*"
)
_LOW_SCORE = re.compile(r"Format \S+ detected only with low score ")
_NO_INDEX = "moov atom not found"
NO_PICTURES = r"Stream (?:map|specifier) '.*matches no streams\."
_NO_DATA = "Invalid data found when processing input"

# Reasons why ffmpeg gives up: (pattern, sentence, hint). The pattern matches a whole line or the reason at its end; the
# first match wins. {0} is the pattern's first group.
_FAILURES = (
    (
        r"Format not on whitelist '.*",
        "is not a video file: it is a playlist, a script, text or a format that svlm does not open.",
        "Name the video file itself.",
    ),
    (r"Picture size (\d+x\d+) exceeds .*", "has pictures of {0}, larger than svlm reads.", ""),
    (r"No such file or directory", "does not exist.", ""),
    (r"Permission denied", "cannot be read: permission denied.", "Check its permissions."),
    (r"Is a directory", "is a folder.", "Name the video files in it."),
    (
        r"(?:Decoder \(codec \w+\) not found for|Decoding requested, but no decoder found for:) .*",
        "is encoded in a way that this ffmpeg cannot decode.",
        "Install a complete ffmpeg, or convert the file to H.264.",
    ),
    (
        rf"{_NO_DATA}|{_LOW_SCORE.pattern}.*|Unknown input format: .*",
        "is not a video that ffmpeg knows.",
        "See what it is: `ffmpeg -i` says more.",
    ),
)


class SegmentRequest(NamedTuple):
    """A segment of a playlist that ffmpeg has requested."""

    url: str
    offset: int


class Log:
    """The facts in ffmpeg's log so far."""

    def __init__(self, present: Callable[[str], str] = presentable) -> None:
        self._present = present  # makes ffmpeg's text safe to show
        self.container = ""  # ffmpeg's name for it, such as "matroska,webm"; empty until the source is open
        self.begin_s = 0.0  # start time in the source's header, on its own clock
        self.first_s: float | None = None  # time of the first decoded picture, as printed by the filter graph
        self.changed = False  # the picture size or format has changed since the start
        self.cut_off = False  # the container reports that its end is missing
        self.errors = 0
        self.first_errors: list[str] = []
        self._last_errors: deque[str] = deque(maxlen=_KEPT_ERRORS)
        self._length_s: float | None = None
        self._low_score = False
        self._in_name = False  # inside the source's name, which may contain line breaks
        self._in_header = False
        self.opened = False  # the header is complete
        self.answered = False  # a server has answered; there may be no picture yet
        self._streams = StreamReader()
        self._requests: dict[int, deque[SegmentRequest]] = {}

    @property
    def requests(self) -> dict[int, tuple[SegmentRequest, ...]]:
        """The latest requested segments, in order, by ffmpeg's number for their playlist. Not safe to show."""
        return {playlist: tuple(requests) for playlist, requests in self._requests.copy().items()}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of the source."""
        return self._streams.streams

    @property
    def videos(self) -> int:
        """The number of video streams."""
        return sum(stream.kind is StreamKind.VIDEO for stream in self.streams)

    @property
    def pixels(self) -> int:
        """Pixels of the largest stored picture; 0 if unknown."""
        sizes = (stream.size for stream in self.streams if stream.kind is StreamKind.VIDEO)
        return max((width * height for width, height in filter(None, sizes)), default=0)

    @property
    def has_sound(self) -> bool:
        """Whether there is an audio stream."""
        return any(stream.kind is StreamKind.AUDIO for stream in self.streams)

    @property
    def turned(self) -> bool:
        """Whether ffmpeg rotates, mirrors or crops a stream."""
        return any(stream.turned for stream in self.streams)

    @property
    def anamorphic(self) -> bool:
        """Whether there is video with non-square pixels."""
        return any(stream.anamorphic for stream in self.streams if stream.kind is StreamKind.VIDEO)

    @property
    def origin_s(self) -> float:
        """Where players start counting, on the source's own clock: at its first moment.

        Only MP4 and MOV count from 0, and players show the gap before the first moment.
        """
        return min(0.0, self.begin_s) if self.container.startswith(_MOV) else self.begin_s

    @property
    def duration_s(self) -> float | None:
        """The duration in the source's header, on a player's clock."""
        if self._length_s is None or not self.container.startswith(_MATROSKA):
            return self._length_s
        return self._length_s - max(0.0, self.begin_s)  # a Matroska duration counts from 0, not from the first picture

    def feed(self, line: str) -> None:
        """Take in one line, without its line end."""
        if self._in_name:
            self._in_name = not line.endswith("':")
            return
        message = read_message(line)
        if message is None:
            return
        self.changed |= _CHANGED.match(message.text) is not None
        if message.level in ("info", "verbose"):
            self._feed_fact(message.text)
        elif message.is_error:
            self._feed_error(message)
        elif message.level == "warning" and _LOW_SCORE.match(message.text):
            self._low_score = True

    def _feed_fact(self, text: str) -> None:
        if self.first_s is None and (match := _FIRST_PICTURE.fullmatch(text)):
            self.first_s = float(match[1]) / 1e6
        elif match := _INPUT.match(text):
            self.container = match[1]
            self._in_header = True
            self._in_name = not text.endswith("':")
        elif text.startswith(("Stream mapping:", "Output #0")):
            self._in_header, self.opened, self.answered = False, True, True
        elif text.startswith(_DESCRIPTION):
            self.answered = True
        elif match := _REQUEST.fullmatch(text):
            self._feed_request(SegmentRequest(match[1], int(match[2])), int(match[3]))
        elif self._in_header:
            self._feed_header(text)

    def _feed_request(self, request: SegmentRequest, playlist: int) -> None:
        if playlist in self._requests or len(self._requests) < _MOST_PLAYLISTS:
            self._requests.setdefault(playlist, deque(maxlen=_KEPT_REQUESTS)).append(request)

    def _feed_header(self, text: str) -> None:
        if match := _DURATION.match(text):
            hours, minutes, seconds, start = match.groups()
            self._length_s = None if hours is None else int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            self.begin_s = float(start or 0)
        else:
            self._streams.feed(text)

    def _feed_error(self, message: Message) -> None:
        text = self._present(message.text).strip()
        if not text:
            return
        self.cut_off |= says(text, _CUT_OFF) is not None
        self.errors += 1
        kept = self.first_errors if len(self.first_errors) < _KEPT_ERRORS else self._last_errors
        kept.append(text)

    @property
    def last_error(self) -> str:
        """The last error message of ffmpeg; empty if there is none."""
        return [*self.first_errors, *self._last_errors][-1] if self.first_errors else ""

    def says(self, pattern: str) -> re.Match[str] | None:
        """Whether one of the kept errors is `pattern` or ends with it as its reason."""
        found = (says(text, pattern) for text in (*self.first_errors, *self._last_errors))
        return next(filter(None, found), None)

    def failure(self, address: Address) -> InputError:
        """The error for a source without any picture."""
        last, name = self.last_error, address.name
        if self.says(NO_PICTURES):
            found = "has sound but no video" if self.has_sound else "has no video"
            return InputError(f"{name} {found}.", "Name a file with pictures.")
        no_index = self.says(_NO_INDEX) is not None
        if (no_index or self.cut_off) and not self._low_score:
            if address.stdin:
                return InputError(
                    f"{name} is an MP4 whose index comes last, which cannot be read from a pipe.",
                    "Give its path, or move the index first: ffmpeg -i IN.mp4 -c copy -movflags +faststart OUT.mp4",
                )
            if address.script and not no_index:
                return InputError(
                    f"{name} has its index last, or is cut off, and its server does not send parts of a file.",
                    "Download it first, and give its path.",
                )
            if no_index:
                return InputError(
                    f"{name} has no index ('moov'): its recording was never finished, or it is cut off.",
                    "Record it again, or repair it with a tool such as untrunc.",
                )
            return InputError(f"{name} is cut off before its first picture.", "Copy or record it again.")
        if address.stdin and self.says(_NO_DATA) and not self.container:
            return InputError(
                f"{name} is empty, or not a video that ffmpeg knows.", "See what is written into the pipe."
            )
        for pattern, sentence, hint in _FAILURES:
            if match := self.says(pattern):
                return InputError(f"{name} {sentence.format(*match.groups(''))}", hint)
        if self.container:
            return InputError(f"No picture of {name} could be decoded.", f"ffmpeg says: {last}" if last else "")
        return InputError(f"ffmpeg cannot read {name}.", f"It says: {last}" if last else "")


class LogReader:
    """Reads ffmpeg's stderr into a `Log` until it ends, in a thread."""

    def __init__(self, stream: io.BufferedIOBase, present: Callable[[str], str] = presentable) -> None:
        self.log = Log(present)
        self._stream = stream
        self._opened = threading.Event()  # set when the header is known, or at the end
        self._begun = threading.Event()  # set when the first picture's time is known, or at the end
        self._thread = threading.Thread(target=self._read, name="ffmpeg-log", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in whole_lines(self._stream):
                self.log.feed(line)
                if self.log.opened:
                    self._opened.set()
                if self.log.first_s is not None:
                    self._begun.set()
        finally:
            self._opened.set()
            self._begun.set()

    def wait_for_header(self, timeout_s: float | None) -> None:
        """Wait until the log has the source's streams, or never will."""
        self._opened.wait(timeout_s)

    def wait_for_first_picture(self, timeout_s: float) -> None:
        """Wait until the log has the time of the first picture, or never will."""
        self._begun.wait(timeout_s)

    def close(self) -> None:
        """Call after ffmpeg has exited."""
        self._thread.join()
        if not self._stream.closed:  # in a forked process the thread that holds the stream's lock is gone
            self._stream.close()
