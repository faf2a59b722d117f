"""Segments -> words in lines, a cue on each: bare, or with its times as a table. Knows the syntax of both."""

from svlm_cli.core.types import Cue
from svlm_cli.outputs.cue_output import CueOutput


class TxtOutput(CueOutput):
    """The words alone."""

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002  lines have no number
        return _line(cue) + "\n"


class TsvOutput(CueOutput):
    """A table with tabs between its columns, as whisper writes it: start and end in whole milliseconds, words."""

    header = "start\tend\ttext\n"

    def _block(self, index: int, cue: Cue) -> str:  # noqa: ARG002
        return f"{round(cue.start_s * 1000)}\t{round(cue.end_s * 1000)}\t{_line(cue)}\n"


def _line(cue: Cue) -> str:
    return cue.text.replace("\n", " ")
