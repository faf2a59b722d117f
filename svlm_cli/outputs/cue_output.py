"""A file of cues, whatever its syntax: each is written as soon as it is final.

``cues.py`` makes the cues, ``destination.py`` writes them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Cue, Segment
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.output import refuse_impossible
from svlm_cli.outputs.style import CueStyle


class CueOutput(ABC):
    """Writes the cues of one stream. After a failed write there are no more, so that no cue is left out."""

    header = ""  # stands before the first cue, and in a file that has none

    def __init__(self, destination: Destination, style: CueStyle) -> None:
        self._destination = destination
        self._builder = CueBuilder(style)
        self._written = 0
        self._begun = False
        self._failed = False

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        refuse_impossible(segment)
        self._write(self._builder.add(segment))

    def close(self, *, complete: bool = True) -> None:
        """Writes the last cues; the file gets its final name if it is `complete`. Raises `OutputError`."""
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
        """The cue with this number, from 1 on, as it stands in the file, with all that separates it from the next."""
