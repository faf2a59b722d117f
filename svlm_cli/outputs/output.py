"""What the pipeline writes to, the formats there are, and the output of each. Knows no format's syntax and no file."""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Protocol

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.style import CueStyle


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
        """What it is like."""
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
        """The format that a file's name asks for, if it does."""
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


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was captioned, and by what, as people call them; empty where nobody knows."""

    source: str = ""
    model: str = ""


_UNKNOWN = Provenance()


class Output(Protocol):
    """Takes the segments of one stream, in order. Every call leaves what is on disk valid."""

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        ...

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come; the file gets its final name if it is `complete`. Raises `OutputError`."""
        ...


def refuse_impossible(segment: Segment) -> None:
    """Raise `OutputError` for times that no file may have: before 0, or an end that does not come after its start."""
    if not (0 <= segment.start_s < segment.end_s < float("inf")):
        times = f"{segment.start_s:g} s to {segment.end_s:g} s"
        raise OutputError(f"No words can be shown from {times}.", "Let times begin at 0, and grow.")


def open_output(
    format: Format,  # noqa: A002  its name elsewhere
    destination: Destination,
    style: CueStyle,
    provenance: Provenance = _UNKNOWN,
    *,
    raw_tsv: bool = False,
    several: bool = False,
) -> Output:
    """The output that writes `format` to `destination`. `style` is for those with cues, `provenance` for JSON.

    With `raw_tsv` the words of a table are as they were said, whatever a spreadsheet takes them for. With `several`
    sources, each JSON line says which one it is of.
    """
    # Here, because those who only hand segments on need no format's library.
    from svlm_cli.outputs.ass import AssOutput
    from svlm_cli.outputs.jsonl import JsonlOutput, JsonOutput
    from svlm_cli.outputs.subtitles import SrtOutput, VttOutput
    from svlm_cli.outputs.transcript import TsvOutput, TxtOutput

    match format:
        case Format.SRT:
            return SrtOutput(destination, style)
        case Format.VTT:
            return VttOutput(destination, style)
        case Format.ASS:
            return AssOutput(destination, style)
        case Format.JSON:
            return JsonOutput(destination, provenance)
        case Format.JSONL:
            return JsonlOutput(destination, provenance.model, provenance.source if several else "")
        case Format.TSV:
            return TsvOutput(destination, style, raw=raw_tsv)
        case Format.TXT:
            return TxtOutput(destination, style)
