"""Opens and locks prediction files and the leftovers of stopped runs, and checks that their settings match."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.evals.generation.journal import RoundsFolder
from svlm_cli.evals.generation.predictions import Predictions
from svlm_cli.evals.generation.setting import RunFile
from svlm_cli.jsonl.locked_lines import empty


@dataclass(frozen=True, slots=True)
class PredictionPlace:
    """The files of a run."""

    predictions: Predictions
    rounds: RoundsFolder
    made_by: RunFile


@contextmanager
def open_place(
    output: Path, open_predictions: Callable[[Path], Predictions], setting: Mapping[str, Any], *, overwrite: bool
) -> Iterator[PredictionPlace]:
    """The predictions, locked, with this setting. Raises `OutputError`, and `InputError` for invalid existing files."""
    rounds, made_by = RoundsFolder(output), RunFile(output)
    if overwrite:
        empty(output)
        made_by.remove()
    with open_predictions(output) as predictions:
        known = made_by.path.exists()
        made_by.begin(setting)
        if not known:
            rounds.remove(everything=True)  # it is unknown by which setting they were made
        yield PredictionPlace(predictions, rounds, made_by)
