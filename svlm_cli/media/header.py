"""Parses what ffmpeg prints about a source's streams, by indentation and fields.

A source's own metadata, such as titles, is indented deeper than ffmpeg's lines and never confused with them. Knows no
clock and no process.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

_STREAM = re.compile(  # the language is free text before the kind, so the last kind in the line is the right one
    r"  Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\(.*\))?: (Video|Audio|Subtitle|Attachment|Data|Unknown): (\w+)(.*)"
)
_SIZE = re.compile(r", (\d+)x(\d+)\b")
_RATE = re.compile(r", (\d+(?:\.\d+)?)(k?) fps\b")
_ASPECT = re.compile(r"\bSAR (\d+:\d+)")
_TAG = re.compile(r" \((\S{4}) / 0x[0-9A-F]{8}\)")
_DISPOSITIONS = re.compile(r"(?: \([a-z -]+\))*$")
_SECTION = re.compile(r"    (\S.*):")
_TURN = re.compile(r"      (?:displaymatrix|Display Matrix): rotation of (-?\d+\.\d+) degrees")
_SIDE_DATA = re.compile(r"      (?:displaymatrix|Display Matrix|Frame Cropping)\b")
_ENTRY = re.compile(r"      (\S+) *: (.*)")


class StreamKind(StrEnum):
    """The kind of a stream."""

    VIDEO = "video"
    COVER = "cover"
    AUDIO = "sound"
    SUBTITLES = "subtitles"
    ATTACHMENT = "attachment"
    DATA = "data"


_KINDS = {
    "Video": StreamKind.VIDEO,
    "Audio": StreamKind.AUDIO,
    "Subtitle": StreamKind.SUBTITLES,
    "Attachment": StreamKind.ATTACHMENT,
    "Data": StreamKind.DATA,
    "Unknown": StreamKind.DATA,
}


@dataclass(slots=True)
class Stream:
    """One stream of a source."""

    index: int
    kind: StreamKind
    codec: str  # ffmpeg's name for it
    tag: str  # the container's four-character code; empty if there is none
    size: tuple[int, int] | None  # of the stored picture
    rate: float | None  # average, in pictures per second
    anamorphic: bool  # its pixels are not square
    turned: bool = False  # rotated, mirrored or cropped for display
    turn_degrees: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)  # keys in lower case


class StreamReader:
    """Collects the streams from the lines of a header, which are fed one by one."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._stream: Stream | None = None  # the one that the next lines belong to
        self._section = ""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams in the source's order."""
        return tuple(self._streams[index] for index in sorted(self._streams))

    def feed(self, text: str) -> None:
        """Take in a line of ffmpeg's, without its level."""
        if not text.startswith("    "):
            stream = _read_stream(text)
            if stream is not None:
                self._streams[stream.index] = stream  # listed again for each program that it belongs to
            self._stream, self._section = stream, ""
        elif match := _SECTION.fullmatch(text):
            self._section = match[1]
        elif self._stream is not None:
            self._feed_detail(self._stream, text)

    def _feed_detail(self, stream: Stream, text: str) -> None:
        if self._section == "Metadata" and (match := _ENTRY.fullmatch(text)):
            stream.metadata.setdefault(match[1].lower(), match[2].strip())
        elif self._section != "Metadata":
            stream.turned |= _SIDE_DATA.match(text) is not None
            if match := _TURN.match(text):
                stream.turn_degrees = float(match[1])


def _read_stream(text: str) -> Stream | None:
    match = _STREAM.fullmatch(text)
    if match is None:
        return None
    index, kind, codec, rest = int(match[1]), _KINDS[match[2]], match[3], match[4]
    dispositions = _DISPOSITIONS.search(rest)
    if kind is StreamKind.VIDEO and dispositions is not None and "(attached pic)" in dispositions[0]:
        kind = StreamKind.COVER
    tag, size, aspect = _TAG.search(rest), _SIZE.search(rest), _ASPECT.search(rest)
    rate = _RATE.search(rest)
    return Stream(
        index=index,
        kind=kind,
        codec=codec,
        tag="" if tag is None else tag[1],
        size=None if size is None else (int(size[1]), int(size[2])),
        rate=None if rate is None else float(rate[1]) * (1000 if rate[2] else 1),
        anamorphic=aspect is not None and aspect[1] not in ("1:1", "0:1"),
    )
