"""The file formats, and what the rest of svlm has to know about each. Knows no syntax and no file."""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from pathlib import Path

from svlm_cli.outputs.encoding import UTF_8, Encoding


class Charset(Enum):
    """Which encodings a format allows."""

    ANY = auto()  # any encoding and line ends
    UTF_8 = auto()  # with either kind of line end
    FIXED = auto()  # UTF-8 with the line ends of this platform


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """What the rest of svlm has to know about a format."""

    about: str  # its description in the documentation
    has_cues: bool = True  # laid out for reading, instead of the rounds as generated
    charset: Charset = Charset.ANY


class Format(StrEnum):
    """A file format; its value is the file suffix."""

    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    JSON = "json"
    JSONL = "jsonl"
    TSV = "tsv"
    TXT = "txt"

    @property
    def traits(self) -> FormatTraits:
        """The properties of the format."""
        match self:
            case Format.SRT:
                return FormatTraits("subtitles that every player supports")
            case Format.VTT:
                return FormatTraits("subtitles for the web", charset=Charset.UTF_8)
            case Format.ASS:
                return FormatTraits("styled subtitles")
            case Format.JSON:
                return FormatTraits("one document: source, model and rounds", has_cues=False, charset=Charset.FIXED)
            case Format.JSONL:
                return FormatTraits("one object per round: times, words, model", has_cues=False, charset=Charset.FIXED)
            case Format.TSV:
                return FormatTraits("a table: start and end in milliseconds, words")
            case Format.TXT:
                return FormatTraits("plain text, one cue per line")

    @classmethod
    def from_suffix(cls, path: Path) -> "Format | None":
        """The format that a file's suffix implies, if any."""
        suffix = path.suffix.lower().removeprefix(".")
        return next((one for one in cls if one.value == suffix), None)

    def encoded(self, wanted: Encoding) -> Encoding:
        """The encoding that this format uses when `wanted` is requested."""
        match self.traits.charset:
            case Charset.ANY:
                return wanted
            case Charset.UTF_8:
                return replace(wanted, name=UTF_8.name)
            case Charset.FIXED:
                return UTF_8
