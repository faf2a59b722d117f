"""Keeps the checkpoint with the lowest held-out loss of a run: ``best``, complete at every moment.

Knows no data and no loop.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from torch import Tensor

from svlm_cli.training.replacing import replace_folder
from svlm_cli.training.result import Result, write_checkpoint

BEST: Final = "best"  # a link to the folder beside it, which is named by its step
_FILE: Final = "held_out.json"


@dataclass(frozen=True, slots=True)
class Best:
    """The step and loss, as recorded in its folder."""

    step: int = 0
    held_out_loss: float = math.inf

    @classmethod
    def of(cls, run: Path) -> Self:
        """The existing one; otherwise one that any other beats."""
        try:
            found = json.loads((run / BEST / _FILE).read_text(encoding="utf-8"))
            return cls(int(found["step"]), float(found["held_out_loss"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return cls()

    @property
    def notes(self) -> dict[str, str]:
        """For the model card of the run's last checkpoint."""
        return {BEST: f"step {self.step}, held-out loss {self.held_out_loss:.4g}"} if self.step else {}


def keep_best(run: Path, best: Best, result: Result, weights: Mapping[str, Tensor]) -> None:
    """Replace the previous one, which is removed once the new one is complete."""

    def fill(folder: Path) -> None:
        write_checkpoint(folder, run, result, weights)
        (folder / _FILE).write_text(json.dumps(asdict(best)) + "\n", encoding="utf-8")

    replace_folder(run / BEST, f"{BEST}-{best.step}", fill)
