"""Segments -> SubRip and WebVTT. Knows the syntax of both.

How cues are made is the affair of ``cues.py``, where they go that of ``destination.py``.
"""

import html
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import timedelta

import srt

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Cue, Segment
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.style import CueStyle

_TAG_START = re.compile(r"<(?=[/A-Za-z])")
_OVERRIDE_START = re.compile(r"\{(?=\\)")


class _SubtitleOutput(ABC):
    """Writes each cue as soon as it is final. After a failed write there are no more, so that no cue is left out."""

    header = ""

    def __init__(self, destination: Destination, style: CueStyle) -> None:
        self._destination = destination
        self._builder = CueBuilder(style)
        self._written = 0
        self._begun = False
        self._failed = False

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        self._write(self._builder.add(segment))

    def close(self) -> None:
        """Writes the last cues; the file gets its final name. Raises `OutputError`."""
        complete = False
        try:
            if not self._failed:
                self._write(self._builder.finish())
                complete = True
        finally:
            self._destination.close(complete=complete)

    def _write(self, cues: Iterable[Cue]) -> None:
        try:
            if self.header and not self._begun:
                self._destination.write(self.header)
            self._begun = True
            for cue in cues:
                self._destination.write(self._block(self._written + 1, cue))
                self._written += 1
        except OutputError:
            self._failed = True
            raise

    @abstractmethod
    def _block(self, index: int, cue: Cue) -> str:
        """A cue as it stands in the file, with the blank line that ends it."""


class SrtOutput(_SubtitleOutput):
    """A SubRip file. Players read some tags in it, so words that look like one are made to look like words."""

    def _block(self, index: int, cue: Cue) -> str:
        text = _OVERRIDE_START.sub("(", _TAG_START.sub("‹", cue.text))
        start, end = (timedelta(milliseconds=round(time_s * 1000)) for time_s in (cue.start_s, cue.end_s))
        block: str = srt.Subtitle(index, start, end, text).to_srt()
        return block


class VttOutput(_SubtitleOutput):
    """A WebVTT file."""

    header = "WEBVTT\n\n"

    def _block(self, index: int, cue: Cue) -> str:
        text = html.escape(cue.text, quote=False)
        return f"{index}\n{_vtt_time(cue.start_s)} --> {_vtt_time(cue.end_s)}\n{text}\n\n"


def _vtt_time(time_s: float) -> str:
    seconds, ms = divmod(round(time_s * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
