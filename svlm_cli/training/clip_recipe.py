"""The table ``[windows.clips]`` of a recipe: clips of a match instead of fixed-length windows, for annealing."""

from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """Which clips a match is cut into: runs of whole sentences, like those of `svlm data windows --annealing`."""

    longest_seconds: int = 0  # 64 in the paper; 0: fixed-length windows instead
    shortest_seconds: int = 16
    silence_seconds: float = 3.0  # a longer silence ends a clip
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
        """Whether windows are clips."""
        return self.longest_seconds != 0
