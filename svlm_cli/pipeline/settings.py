"""What holds for every source of a session: plain data, built once where a request comes in. Imports no torch."""

from dataclasses import dataclass, field

from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Existing
from svlm_cli.sources.opening import SourceOptions


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sources are opened, what the model is told of them, and how its words are written.

    It can be pickled: a job and its settings are all that a worker elsewhere needs beside the model. `UsageError` for
    values that make no sense.
    """

    sources: SourceOptions = field(default_factory=SourceOptions)
    query: str | None = None
    context: str = ""
    seed: int = 0
    resets: bool = False  # a live stream forgets everything at a gap
    model: str = ""  # as people call it
    several: bool = False  # JSON lines say which source they are of
    existing: Existing = Existing.REFUSE
    make_folders: bool = False  # those of the outputs of files
    segment_s: float | None = None  # how long one file of a live source lasts
    style: CueStyle = field(default_factory=CueStyle)
    encoding: Encoding = UTF_8
    raw_tsv: bool = False

    def __post_init__(self) -> None:
        self.sources.live()  # checks what it is given
        if self.seed < 0:
            raise UsageError(f"The seed must be 0 or more, not {self.seed}.")
        if self.segment_s is not None and not self.segment_s > 0:
            raise UsageError(f"A file must last some time, not {self.segment_s:g} s.")

    @property
    def overwrite(self) -> bool:
        """Whether files that exist are replaced."""
        return self.existing is Existing.OVERWRITE

    @property
    def skip_existing(self) -> bool:
        """Whether files that exist are left as they are, and only the others are made."""
        return self.existing is Existing.SKIP
