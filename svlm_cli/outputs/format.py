"""The file formats there are, and what the rest of svlm must know of each. Knows no format's syntax and no file."""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from pathlib import Path

from svlm_cli.outputs.encoding import UTF_8, Encoding


class Charset(Enum):
    """Which bytes a format may consist of."""

    ANY = auto()  # encoding and line ends as people want them
    UTF_8 = auto()  # with either line ends
    FIXED = auto()  # UTF-8, and lines end as they do here


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """What the rest of svlm must know of a format."""

    about: str  # what it is, in the words of the documentation
    has_cues: bool = True  # as people read them, and not the rounds as they were said
    charset: Charset = Charset.ANY


class Format(StrEnum):
    """A file format; the value is its suffix."""

    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    JSON = "json"
    JSONL = "jsonl"
    TSV = "tsv"
    TXT = "txt"

    @property
    def traits(self) -> FormatTraits:
        """Its properties."""
        match self:
            case Format.SRT:
                return FormatTraits("subtitles that every player reads")
            case Format.VTT:
                return FormatTraits("subtitles for the web", charset=Charset.UTF_8)
            case Format.ASS:
                return FormatTraits("subtitles with a look of their own")
            case Format.JSON:
                return FormatTraits(
                    "one document: source, model, and the rounds", has_cues=False, charset=Charset.FIXED
                )
            case Format.JSONL:
                return FormatTraits("an object a round: times, words, model", has_cues=False, charset=Charset.FIXED)
            case Format.TSV:
                return FormatTraits("a table: start and end in milliseconds, words")
            case Format.TXT:
                return FormatTraits("the words alone, a cue a line")

    @classmethod
    def from_suffix(cls, path: Path) -> "Format | None":
        """The format implied by a file's suffix, if any."""
        suffix = path.suffix.lower().removeprefix(".")
        return next((one for one in cls if one.value == suffix), None)

    def encoded(self, wanted: Encoding) -> Encoding:
        """How this format is encoded where `wanted` is asked for."""
        match self.traits.charset:
            case Charset.ANY:
                return wanted
            case Charset.UTF_8:
                return replace(wanted, name=UTF_8.name)
            case Charset.FIXED:
                return UTF_8
