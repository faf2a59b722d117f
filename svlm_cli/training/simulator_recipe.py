"""A recipe's table ``[data.simulator]``: which world is learned from, and how much of it is shuffled together."""

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
    """Matches by the block: each gives some windows, and those of all matches of a block are shuffled.

    A stretch of footage counts as a match.
    """

    world: SimulatedWorld = SimulatedWorld.MATCH
    photos: str = ""  # a folder of pictures that footage is made of; empty: patterns alone
    match_minutes: tuple[float, ...] = (60.0,)  # lengths that matches have in turn
    windows_per_match: int = 60  # in a block; more than it has if `own_teams` or `matches`: each comes again
    matches_per_block: int = 64
    matches: int = 0  # how many there are: after the last one the first comes again; 0: each is a new one
    own_teams: bool = True  # each window draws names and kits of its own, or those of a block are learned by heart

    def __post_init__(self) -> None:
        require(bool(self.match_minutes), "match_minutes is empty.")
        require(min(self.match_minutes) >= 1, f"match_minutes must be 1 or more, not {min(self.match_minutes):g}.")
        above(self, "windows_per_match", "matches_per_block")
        above(self, "matches", least=0)

    def beside(self, folder: Path) -> "SimulatorRecipe":
        """With its path, which is relative to that folder, made absolute."""
        return replace(self, photos=str(folder / self.photos)) if self.photos else self
