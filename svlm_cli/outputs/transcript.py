"""Segments -> words in lines, a cue on each: bare, or with its times as a table. Knows the syntax of both."""

import re
import unicodedata

from svlm_cli.core.types import Cue
from svlm_cli.outputs.cue_output import CueOutput
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.style import CueStyle

_FORMULA = re.compile(r"[\s\"']*[=+\-@]")  # a spreadsheet takes quotes off before it looks


class TxtOutput(CueOutput):
    """The words alone."""

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002  lines have no number
        return _line(cue) + "\n"


class TsvOutput(CueOutput):
    """A table with tabs between its columns, as whisper writes it: start and end in whole milliseconds, words.

    A spreadsheet must not take words for a formula, which could run programs: such words get a ``'``, unless `raw`.
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
    """With a ``'`` first, the sign for text, where a formula could begin; also one in wide letters."""
    return f"'{words}" if _FORMULA.match(unicodedata.normalize("NFKC", words)) else words
