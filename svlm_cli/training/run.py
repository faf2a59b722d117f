"""What stays the same in a run from its first step to its last."""

from dataclasses import dataclass
from pathlib import Path

import torch

from svlm_cli.training.log import Say
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One process of it."""

    recipe: Recipe
    output: Path
    device: torch.device
    ranks: Ranks
    say: Say  # to nobody, but on the first rank

    @property
    def computed_in(self) -> torch.dtype:
        """Of matrix products."""
        return torch.bfloat16 if self.recipe.optimisation.bf16 else torch.float32
