"""What stays the same throughout a run."""

from dataclasses import dataclass
from pathlib import Path

import torch

from svlm_cli.training.log import Say
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One process of a run."""

    recipe: Recipe
    output: Path
    device: torch.device
    ranks: Ranks
    say: Say  # silent except on the first rank

    @property
    def computed_in(self) -> torch.dtype:
        """The dtype of matrix products."""
        return torch.bfloat16 if self.recipe.optimisation.bf16 else torch.float32
