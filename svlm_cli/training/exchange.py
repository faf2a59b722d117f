"""What ranks exchange about their data before a step: the number of trained tokens, and what could not be read.

Knows no network and no loop.
"""

from dataclasses import dataclass

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.records import Skipped


@dataclass(frozen=True, slots=True)
class _Notice:
    """The message of one rank for one step."""

    learned: int = 0  # tokens
    missed: tuple[tuple[str, str], ...] = ()  # unreadable windows: place and reason
    error: SvlmError | None = None


class Exchange:
    """Called once per step, by the thread that prepares it. An `SvlmError` on one rank is raised on all."""

    def __init__(self, ranks: Ranks, skipped: Skipped, windows: int = 0) -> None:
        """`skipped` counts the same on all ranks, but only reports on the first.

        `windows` is the number of windows per step.
        """
        self.ranks = ranks
        self.skipped = skipped
        self._windows = windows
        self._missed: list[tuple[str, str]] = []

    def miss(self, place: str, reason: str) -> None:
        """Note an unreadable window; other ranks hear of it when the step is settled."""
        self._missed.append((place, reason))

    def settle(self, learned: int) -> int:
        """Add up the trained tokens of a step over all ranks."""
        return self._told(_Notice(learned, tuple(self._missed)))

    def fail(self, error: SvlmError) -> None:
        """Raise this rank's error, or that of a lower rank, on all ranks."""
        self._told(_Notice(missed=tuple(self._missed), error=error))

    def _told(self, own: _Notice) -> int:
        self._missed.clear()
        notices = self.ranks.gather(own)
        self.skipped.taken += self._windows
        for notice in notices:
            for place, reason in notice.missed:
                self.skipped.note(place, reason)
        for notice in notices:
            if notice.error is not None:
                raise notice.error
        if not (learned := sum(notice.learned for notice in notices)):
            raise InputError("No window of this step has anything to learn.", "See above what was skipped.")
        return learned
