"""The interface that the pipeline writes to. Knows no format and no file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from svlm_cli.core.errors import OutputError, SvlmError
from svlm_cli.core.events import RoundEnded
from svlm_cli.core.types import Segment


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was captioned, and by which model, as shown to people; empty where unknown."""

    source: str = ""
    model: str = ""


UNKNOWN = Provenance()

Round = Segment | RoundEnded
"""The words of a round, from an engine here or from elsewhere."""


class Output(Protocol):
    """Takes the segments of one stream, in order. After every call the file on disk is valid."""

    def write(self, segment: Round) -> None:
        """Write one round. Raises `OutputError`."""
        ...

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come; the file gets its final name if it is `complete`. Raises `OutputError`."""
        ...


def close_all(outputs: Iterable[Output], *, complete: bool = True) -> SvlmError | None:
    """Close all, even if some of them raise. Returns the first error."""
    first: SvlmError | None = None
    for output in outputs:
        try:
            output.close(complete=complete)
        except SvlmError as error:
            first = first or error
    return first


def refuse_impossible(segment: Round) -> None:
    """Raise `OutputError` for impossible times: before 0, or an end that is not after its start."""
    if not (0 <= segment.start_s < segment.end_s < float("inf")):
        times = f"{segment.start_s:g} s to {segment.end_s:g} s"
        raise OutputError(
            f"A segment cannot last from {times}.", "It must start at 0 s or later, and end after its start."
        )
