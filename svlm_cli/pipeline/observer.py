"""The observer of a session, and what it sees of a job, wherever that runs. Imports no torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.pipeline.batch import Job

if TYPE_CHECKING:
    from svlm_cli.pipeline.open_source import OpenSource


class OpenedJob(Protocol):
    """A job whose source is open."""

    @property
    def job(self) -> Job: ...
    @property
    def duration_s(self) -> float | None:
        """The length of a recording, if its header says it."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What people should know of how it was read."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether a recording ended before its end."""
        ...

    @property
    def ends(self) -> bool:
        """Whether it is cut off if it is stopped."""
        ...


class JobReport(Protocol):
    """How a job goes, and how it went. `error` is what ended it early."""

    @property
    def rounds(self) -> int: ...
    @property
    def spoken(self) -> int:
        """Rounds with words."""
        ...

    @property
    def video_s(self) -> float: ...
    @property
    def error(self) -> SvlmError | None: ...


class SessionObserver:
    """Is notified of a session's progress. Does not influence it."""

    def opened(self, source: "OpenSource") -> None:
        """A job's source is open, and its rounds are about to begin. Raising an `SvlmError` fails the job."""

    def failed(self, job: Job, error: SvlmError) -> None:
        """A job's source could not be opened."""

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        """An event; `pictures` are those of a round that starts. A `SourceStatus` may come from any thread."""

    def trouble(self, name: str, line: str) -> None:
        """A problem with the files of the job called `name`, which continues."""
