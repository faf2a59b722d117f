"""Opens the output of each format. Knows all of them."""

from svlm_cli.outputs.ass import AssOutput
from svlm_cli.outputs.continuing import Continued
from svlm_cli.outputs.cue_output import CueOutput
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.jsonl import JsonlOutput, JsonOutput
from svlm_cli.outputs.output import UNKNOWN, Output, Provenance
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.subtitles import SrtOutput, VttOutput
from svlm_cli.outputs.transcript import TsvOutput, TxtOutput


def open_output(
    format: Format,  # noqa: A002  named so elsewhere
    destination: Destination,
    style: CueStyle,
    provenance: Provenance = UNKNOWN,
    *,
    raw_tsv: bool = False,
    several: bool = False,
    continued: Continued | None = None,
) -> Output:
    """The output that writes `format` to `destination`. `style` applies to formats with cues, `provenance` to JSON.

    With `raw_tsv`, words in a table are not protected from being read as formulas. With `several` sources, each JSON
    line names its source. `destination` may be a file that is `continued`.
    """
    output = _new_output(format, destination, style, provenance, raw_tsv=raw_tsv, several=several)
    if continued is not None:
        match output:
            case CueOutput():
                output.resume(continued.cues, continued.shown_until_s)
            case JsonOutput():
                output.resume()
    return output


def _new_output(
    format: Format,  # noqa: A002
    destination: Destination,
    style: CueStyle,
    provenance: Provenance,
    *,
    raw_tsv: bool,
    several: bool,
) -> Output:
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
