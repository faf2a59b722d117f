"""What an output writes, kept in memory: the whole file after each of its writes."""

from svlm_cli.core.types import Segment
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.style import CueStyle


class Memory:
    """A destination that can be looked at."""

    def __init__(self) -> None:
        self.states = [""]  # the whole file, before and after each write
        self.complete: bool | None = None
        self._written = ""

    def write(self, text: str, ending: str = "") -> None:
        self._written += text
        self.states.append(self._written + ending)

    def close(self, *, complete: bool) -> None:
        self.complete = complete

    @property
    def text(self) -> str:
        return self.states[-1]


def written(format_: Format, segments: list[Segment]) -> Memory:
    memory = Memory()
    output = open_output(format_, memory, CueStyle())
    for segment in segments:
        output.write(segment)
    output.close()
    return memory
