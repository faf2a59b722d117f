"""A recipe's table ``[windows.clips]``: clips of a match instead of windows of one length, for an annealing stage."""

from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """Which clips a match has: whole sentences in a row, as `svlm data windows --annealing` takes segments."""

    longest_seconds: int = 0  # the paper: 64; 0: no clips, but windows of one length
    shortest_seconds: int = 16
    silence_seconds: float = 3.0  # a longer one ends a clip
    seen_only: bool = False  # so does a score that is said from memory

    def __post_init__(self) -> None:
        if self.seen_only and not self.used:
            raise UsageError("longest_seconds is missing.")
        if self.used and not 1 <= self.shortest_seconds <= self.longest_seconds:
            raise UsageError(
                f"shortest_seconds must be between 1 and longest_seconds ({self.longest_seconds}), "
                f"not {self.shortest_seconds}."
            )
        if not self.silence_seconds >= 0:
            raise UsageError(f"silence_seconds must be 0 or more, not {self.silence_seconds:g}.")

    @property
    def used(self) -> bool:
        """Whether there are clips."""
        return self.longest_seconds != 0
