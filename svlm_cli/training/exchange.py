"""What ranks must know of one another's data before they learn a step: how much there is, and what could not be read.

Knows no network and no loop.
"""

from dataclasses import dataclass

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.records import Skipped


@dataclass(frozen=True, slots=True)
class _Notice:
    """Of one rank, for one step."""

    learned: int = 0  # tokens
    missed: tuple[tuple[str, str], ...] = ()  # windows: where they are, and why
    error: SvlmError | None = None


class Exchange:
    """Once a step, by the thread that prepares it. An error of ours on one rank is then raised on all."""

    def __init__(self, ranks: Ranks, skipped: Skipped, windows: int = 0) -> None:
        """`skipped` counts alike on all ranks; on the first one alone it has somebody to say it to. A step takes so
        many windows.
        """
        self.ranks = ranks
        self.skipped = skipped
        self._windows = windows
        self._missed: list[tuple[str, str]] = []

    def miss(self, place: str, reason: str) -> None:
        """A window cannot be read, which this rank alone knows until the step is settled."""
        self._missed.append((place, reason))

    def settle(self, learned: int) -> int:
        """Learned tokens of a step: those of this rank -> those of all."""
        return self._told(_Notice(learned, tuple(self._missed)))

    def fail(self, error: SvlmError) -> None:
        """Raises the error with which this rank ends, or that of a rank before it, on all ranks."""
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
            raise InputError("Not one window of a step holds anything to learn.", "See what was skipped above.")
        return learned
