"""RESULTS/training.json: models trained in different ways from one base, and their scores on the same matches.

Parsed strictly: a file that lacks something the page needs is rejected. Knows no model and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.policy import Mode
from svlm_cli.evals.claims.file import read_strictly
from svlm_cli.evals.claims.results import CELL_S
from svlm_cli.evals.claims.rows import Paper
from svlm_cli.evals.scores import Count, Counts
from svlm_cli.jsonl.lines import record

TRAINING_NAME: Final = "training.json"
_NO_MODELS: Final = "is not a report on models that were trained in different ways."
_AGAIN: Final = "Make it again, or delete it."


@dataclass(frozen=True, slots=True)
class TrainingPlace:
    """What all models share: the base, the matches, and the environment."""

    base: str  # the end of a sentence
    command: str  # that trained and measured them
    svlm: str
    hardware: str
    dtype: str
    matches: Annotated[int, Within(1, 1_000_000)]
    seconds: Annotated[int, Within(1, 10_000_000)]  # per match
    seed: int  # of the first match
    fps: float

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class TrainedAs:
    """How one model was trained. With `against`, it is compared with the model of that name."""

    name: str
    title: str  # what is different
    against: str
    repeat: bool  # same recipe as `against`, with another seed
    paper: tuple[float, ...]  # the paper's win rates of this one and of `against`, if any
    recipe: tuple[str, ...]  # changed lines of its recipe, `key = value`
    steps: Annotated[int, Within(1, 1_000_000_000)]
    windows: Annotated[int, Within(1, 1_000_000_000)]  # per step
    model_files: str

    def __post_init__(self) -> None:
        require_usable(self)
        if len(self.paper) not in (0, 2):
            raise ValueError("the paper has two rates, or none")

    @property
    def claimed(self) -> Paper:
        """What the paper says about it."""
        rate, against_rate = self.paper or (None, None)
        return Paper(rate, self.against, against_rate)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A row: a model, and its counts in each mode."""

    how: TrainedAs
    by_minute: Mapping[Mode, Counts]  # [matches, minutes, C]


@dataclass(frozen=True, slots=True)
class TrainingClaims:
    """All measurements."""

    place: TrainingPlace
    modes: tuple[Mode, ...]
    models: Mapping[str, TrainedModel]  # by name; each follows the one it is compared with


def read_training(folder: Path) -> TrainingClaims | None:
    """The folder's results; None if it has none. `InputError` for an incomplete file."""
    path = folder / TRAINING_NAME
    with read_strictly(path, otherwise=_NO_MODELS, hint=_AGAIN):
        try:
            raw: Any = strict_json.parse(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        place: TrainingPlace = record(TrainingPlace, raw["place"], "place")
        modes = tuple(map(Mode, raw["modes"]))
        models: dict[str, TrainedModel] = {}
        for row in raw["models"]:
            model = _model(row, place, modes)
            if model.how.name in models or (model.how.against and model.how.against not in models):
                raise ValueError("a repeated name, or a model that is compared with an unknown one")
            models[model.how.name] = model
        if not (models and modes):
            raise ValueError("nothing was measured")
    return TrainingClaims(place, modes, models)


def _model(row: Mapping[str, Any], place: TrainingPlace, modes: tuple[Mode, ...]) -> TrainedModel:
    how: TrainedAs = record(TrainedAs, {one.name: row[one.name] for one in fields(TrainedAs)}, "model")
    by_minute = {mode: np.array(row["by_minute"][mode], np.int64) for mode in modes}
    shape = (place.matches, -(-place.seconds // CELL_S), len(Count))
    if any(counts.shape != shape for counts in by_minute.values()):
        raise ValueError("other matches than the other models")
    return TrainedModel(how, by_minute)
