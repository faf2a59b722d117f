"""Writes cues as plain lines, or with their times as a table. Knows the syntax of both."""

import re
import unicodedata

from svlm_cli.core.types import Cue
from svlm_cli.outputs.cue_output import CueOutput
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.style import CueStyle

_FORMULA = re.compile(r"[\s\"']*[=+\-@]")  # spreadsheets strip quotes first


class TxtOutput(CueOutput):
    """The words alone."""

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002  lines are not numbered
        return _line(cue) + "\n"


class TsvOutput(CueOutput):
    """A tab-separated table in whisper's layout: start and end in whole milliseconds, words.

    A spreadsheet would run words that look like a formula, so these get a leading ``'``, unless `raw`.
    """

    header = "start\tend\ttext\n"

    def __init__(self, destination: Destination, style: CueStyle, *, raw: bool = False) -> None:
        super().__init__(destination, style)
        self._raw = raw

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002
        words = _line(cue) if self._raw else _harmless(_line(cue))
        return f"{round(cue.start_s * 1000)}\t{round(cue.end_s * 1000)}\t{words}\n"


def _line(cue: Cue) -> str:
    return cue.text.replace("\n", " ")


def _harmless(words: str) -> str:
    """Add the text marker ``'`` where a formula could begin, also with full-width characters."""
    return f"'{words}" if _FORMULA.match(unicodedata.normalize("NFKC", words)) else words
