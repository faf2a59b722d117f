"""The table ``[data.annotations]`` of a recipe: annotation files, their weights, and how many bad records to allow."""

from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class AnnotationRecipe:
    """JSON Lines files (``docs/recipes.md``)."""

    files: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()  # how often each window of a file comes per epoch; empty: once
    videos: str = ""  # the folder for relative video paths; empty: that of the annotation file
    bad_allowed: int = 0  # records and windows that may be skipped before the run ends
    bad_share: float = 0.0  # plus this share of all so far

    def __post_init__(self) -> None:
        if self.bad_allowed < 0:
            raise UsageError(f"bad_allowed must be 0 or more, not {self.bad_allowed}.")
        if not 0 <= self.bad_share <= 1:
            raise UsageError(f"bad_share must be between 0 and 1, not {self.bad_share}.")
        if self.weights and len(self.weights) != len(self.files):
            raise UsageError(f"weights has {len(self.weights)} entries for {len(self.files)} files.")
        if any(weight < 1 for weight in self.weights):
            raise UsageError("each of weights must be 1 or more.")

    @property
    def weighted(self) -> tuple[tuple[str, int], ...]:
        """Each file with its weight."""
        return tuple(zip(self.files, self.weights or (1,) * len(self.files), strict=True))
