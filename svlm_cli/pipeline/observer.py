"""The observer of a session. Imports no torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.pipeline.batch import Job

if TYPE_CHECKING:
    from svlm_cli.pipeline.open_source import OpenSource


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
