"""What the pipeline writes to, the formats there are, and the output of each. Knows no format's syntax and no file."""

from enum import StrEnum
from pathlib import Path
from typing import Protocol

from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.style import CueStyle


class Format(StrEnum):
    """A file format; the value is its suffix."""

    SRT = "srt"
    VTT = "vtt"
    JSONL = "jsonl"

    @classmethod
    def from_suffix(cls, path: Path) -> "Format | None":
        """The format that a file's name asks for, if it does."""
        suffix = path.suffix.lower().removeprefix(".")
        return next((one for one in cls if one.value == suffix), None)


class Output(Protocol):
    """Takes the segments of one stream, in order. Every call leaves what is on disk valid."""

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        ...

    def close(self) -> None:
        """No more rounds come; the file gets its final name. Raises `OutputError`."""
        ...


def open_output(format: Format, destination: Destination, style: CueStyle) -> Output:  # noqa: A002  its name elsewhere
    """The output that writes `format` to `destination`; `style` is for the formats that have cues."""
    # Here, because those who only hand segments on need no format's library.
    from svlm_cli.outputs.jsonl import JsonlOutput
    from svlm_cli.outputs.subtitles import SrtOutput, VttOutput

    match format:
        case Format.SRT:
            return SrtOutput(destination, style)
        case Format.VTT:
            return VttOutput(destination, style)
        case Format.JSONL:
            return JsonlOutput(destination)
