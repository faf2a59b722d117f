"""Settings for all sources of a session: plain data, built once from a request. Imports no torch."""

from dataclasses import dataclass, field

from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Existing
from svlm_cli.sources.opening import SourceOptions


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sources are opened, what the model is told about them, and how its words are written.

    Picklable: a worker process needs only a job, its settings and the model. `UsageError` for invalid values.
    """

    sources: SourceOptions = field(default_factory=SourceOptions)
    query: str | None = None
    context: str = ""
    seed: int = 0
    resets: bool = False  # a live stream is reset at a gap
    model: str = ""  # its name, as shown
    several: bool = False  # JSON lines name their source
    existing: Existing = Existing.REFUSE
    make_folders: bool = False  # create missing folders for outputs of files
    segment_s: float | None = None  # length of one file of a live source
    style: CueStyle = field(default_factory=CueStyle)
    encoding: Encoding = UTF_8
    raw_tsv: bool = False

    def __post_init__(self) -> None:
        self.sources.live()  # validates its values
        if self.seed < 0:
            raise UsageError(f"The seed must be 0 or more, not {self.seed}.")
        if self.segment_s is not None and not self.segment_s > 0:
            raise UsageError(f"A file must last some time, not {self.segment_s:g} s.")

    @property
    def overwrite(self) -> bool:
        """Whether existing files are replaced."""
        return self.existing is Existing.OVERWRITE

    @property
    def skip_existing(self) -> bool:
        """Whether existing files are kept, and only the others written."""
        return self.existing is Existing.SKIP
