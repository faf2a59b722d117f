"""Writes SubRip and WebVTT. Knows the syntax of both."""

import html
import re
from datetime import timedelta

import srt

from svlm_cli.core.types import Cue
from svlm_cli.outputs.cue_output import CueOutput

_TAG_START = re.compile(r"<(?=[/A-Za-z])")
_OVERRIDE_START = re.compile(r"\{(?=\\)")


class SrtOutput(CueOutput):
    """A SubRip file. Players interpret some tags in it, so words that look like tags are escaped."""

    def _block(self, index: int, cue: Cue) -> str:
        text = _OVERRIDE_START.sub("(", _TAG_START.sub("‹", cue.text))
        start, end = (timedelta(milliseconds=round(time_s * 1000)) for time_s in (cue.start_s, cue.end_s))
        block: str = srt.Subtitle(index, start, end, text).to_srt()
        return block


class VttOutput(CueOutput):
    """A WebVTT file."""

    header = "WEBVTT\n\n"

    def _block(self, index: int, cue: Cue) -> str:
        text = html.escape(cue.text, quote=False)
        return f"{index}\n{_vtt_time(cue.start_s)} --> {_vtt_time(cue.end_s)}\n{text}\n\n"


def _vtt_time(time_s: float) -> str:
    seconds, ms = divmod(round(time_s * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
