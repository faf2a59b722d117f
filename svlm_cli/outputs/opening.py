"""The output of each format. Knows them all."""

from svlm_cli.outputs.ass import AssOutput
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.jsonl import JsonlOutput, JsonOutput
from svlm_cli.outputs.output import UNKNOWN, Output, Provenance
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.subtitles import SrtOutput, VttOutput
from svlm_cli.outputs.transcript import TsvOutput, TxtOutput


def open_output(
    format: Format,  # noqa: A002  its name elsewhere
    destination: Destination,
    style: CueStyle,
    provenance: Provenance = UNKNOWN,
    *,
    raw_tsv: bool = False,
    several: bool = False,
) -> Output:
    """The output that writes `format` to `destination`. `style` is for those with cues, `provenance` for JSON.

    With `raw_tsv` the words of a table are as they were said, whatever a spreadsheet takes them for. With `several`
    sources, each JSON line says which one it is of.
    """
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
