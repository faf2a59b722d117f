"""The table ``[data.simulator]`` of a recipe: which world to train on, and how it is shuffled."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from svlm_cli.training.recipe_checks import above, require


class SimulatedWorld(StrEnum):
    """What a simulator shows."""

    MATCH = "match"  # Endless Match
    FOOTAGE = "footage"  # of everyday things


@dataclass(frozen=True, slots=True)
class SimulatorRecipe:
    """Matches in blocks: each contributes some windows, and those of all matches in a block are shuffled.

    A footage counts as a match.
    """

    world: SimulatedWorld = SimulatedWorld.MATCH
    photos: str = ""  # a folder of pictures that footage uses; empty: only patterns
    match_share: float = 0.0  # with footage: of matches that are Endless Match; the model says that it needs a context
    match_minutes: tuple[float, ...] = (60.0,)  # lengths of matches, used in turn
    windows_per_match: int = 60  # in a block; if more than it has, with `own_teams` or `matches`, windows repeat
    matches_per_block: int = 64
    matches: int = 0  # number of different matches, which then repeat; 0: unlimited
    own_teams: bool = True  # each window draws its own names and kits, so that a block's are not memorised

    def __post_init__(self) -> None:
        require(0 <= self.match_share < 1, f"match_share must be 0 or more and below 1, not {self.match_share:g}.")
        require(bool(self.match_minutes), "match_minutes is empty.")
        require(min(self.match_minutes) >= 1, f"match_minutes must be 1 or more, not {min(self.match_minutes):g}.")
        above(self, "windows_per_match", "matches_per_block")
        above(self, "matches", least=0)

    def beside(self, folder: Path) -> "SimulatorRecipe":
        """With its path, relative to `folder`, made absolute."""
        return replace(self, photos=str(folder / self.photos)) if self.photos else self
