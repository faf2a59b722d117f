"""A file of models that nobody has trained: so many events of ten are right in each minute of each match."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from svlm_cli.evals.scores import Count

MATCHES, MINUTES, EVENTS = 6, 2, 10
PLACE = {
    "base": "a model that sees",
    "command": "python -m trained",
    "svlm": "0.1.0",
    "hardware": "NVIDIA H200",
    "dtype": "bfloat16",
    "matches": MATCHES,
    "seconds": 60 * MINUTES,
    "seed": 7,
    "fps": 2.0,
}


def trained_file(*models: dict[str, Any], modes: Sequence[str] = ("streaming",)) -> dict[str, Any]:
    """As `tests.experiments.stages` writes it."""
    return {"place": dict(PLACE), "modes": list(modes), "models": list(models)}


def trained(
    name: str, right: Mapping[str, int] | int, against: str = "", *, names: int = 5, **changes: Any
) -> dict[str, Any]:
    """A model; every other match has one event more. `right` is for each mode, or for the one mode."""
    by_mode = {"streaming": right} if isinstance(right, int) else right
    how = {
        "name": name,
        "title": f"with {name}",
        "against": against,
        "repeat": False,
        "paper": [],
        "recipe": ["windows.overlap_seconds = 0"] if against else [],
        "steps": 1000,
        "windows": 64,
        "model_files": "0123456789abcdef",
    }
    counts = {mode: _counts(one, names).tolist() for mode, one in by_mode.items()}
    return {**how, **changes, "by_minute": counts}


def _counts(right: int, names: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    counts = np.zeros((MATCHES, MINUTES, len(Count)), np.int64)
    counts[..., [Count.EVENTS_TRUE, Count.EVENTS_SAID, Count.NAMES_TRUE, Count.NAMES_SAID]] = EVENTS
    counts[..., Count.EVENTS_HIT] = right + np.arange(MATCHES)[:, None] % 2
    counts[..., Count.NAMES_HIT] = names
    return counts
