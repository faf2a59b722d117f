"""Writes Advanced SubStation Alpha, subtitles that carry their own style. Knows its syntax."""

from svlm_cli.core.types import Cue
from svlm_cli.outputs.cue_output import CueOutput
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.style import CueStyle

FONT_SIZE = 48  # at a picture height of 720: 42 columns take about two thirds of a wide picture
# `{` begins a command and `\` an escape, and not every player offers a way to write them literally.
_HARMLESS = str.maketrans({"{": "(", "}": ")", "\\": "/", "\n": "\\N"})


class AssOutput(CueOutput):
    """An ASS file: white text with a dark outline, at the bottom."""

    header = f"""[Script Info]
ScriptType: v4.00+
PlayResX: 1280
PlayResY: 720
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,{FONT_SIZE},&H00FFFFFF,&H000000FF,&H00101010,&H80000000,0,0,0,0,100,100,0,0,1,2.5,1,2,40,40,36,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""

    def __init__(self, destination: Destination, style: CueStyle) -> None:
        super().__init__(destination, style)
        self._shown_until_cs = 0

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002  lines of this format have no number
        start_cs = max(round(cue.start_s * 100), self._shown_until_cs)
        end_cs = self._shown_until_cs = max(round(cue.end_s * 100), start_cs + 1)  # the shortest in ASS
        text = cue.text.translate(_HARMLESS)
        return f"Dialogue: 0,{_ass_time(start_cs)},{_ass_time(end_cs)},Default,,0,0,0,,{text}\n"


def _ass_time(time_cs: int) -> str:
    seconds, cs = divmod(time_cs, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{cs:02}"
