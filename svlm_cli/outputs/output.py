"""What the pipeline writes to. Knows no format and no file."""

from dataclasses import dataclass
from typing import Protocol

from svlm_cli.core.errors import OutputError
from svlm_cli.core.events import RoundEnded
from svlm_cli.core.types import Segment


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was captioned, and by what, as people call them; empty where nobody knows."""

    source: str = ""
    model: str = ""


UNKNOWN = Provenance()


class Output(Protocol):
    """Takes the segments of one stream, in order. Every call leaves what is on disk valid."""

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        ...

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come; the file gets its final name if it is `complete`. Raises `OutputError`."""
        ...


def refuse_impossible(segment: Segment | RoundEnded) -> None:
    """Raise `OutputError` for times that no file may have: before 0, or an end that does not come after its start."""
    if not (0 <= segment.start_s < segment.end_s < float("inf")):
        times = f"{segment.start_s:g} s to {segment.end_s:g} s"
        raise OutputError(f"No words can be shown from {times}.", "Let times begin at 0, and grow.")
