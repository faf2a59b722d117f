"""A file of cues in any syntax. Each cue is written as soon as it is final.

``cues.py`` makes the cues, ``destination.py`` writes them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Cue
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.output import Round, refuse_impossible
from svlm_cli.outputs.style import CueStyle


class CueOutput(ABC):
    """Writes the cues of one stream. It stops after a failed write, so that no cue is missing in between."""

    header = ""  # before the first cue, and in a file without cues

    def __init__(self, destination: Destination, style: CueStyle) -> None:
        self._destination = destination
        self._style = style
        self._builder = CueBuilder(style)
        self._written = 0
        self._begun = False
        self._failed = False

    def resume(self, cues: int, shown_until_s: float) -> None:
        """Go on with a file that has so many cues already, the last of which ends then."""
        self._written, self._begun = cues, True
        self._builder = CueBuilder(self._style, shown_until_s=shown_until_s)

    def write(self, segment: Round) -> None:
        """Write one round. Raises `OutputError`."""
        refuse_impossible(segment)
        self._write(self._builder.add(segment))

    def close(self, *, complete: bool = True) -> None:
        """Write the last cues; the file gets its final name if it is `complete`. Raises `OutputError`."""
        written = False
        try:
            if not self._failed:
                self._write(self._builder.finish())
                written = True
        finally:
            self._destination.close(complete=complete and written)

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
        """The text of the cue with this number, counted from 1, including the separator before the next one."""
