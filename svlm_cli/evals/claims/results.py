"""Measured rows of the claims as files: RESULTS/ROW.json, one per row, written atomically.

A file contains the row's setting, its environment, the report of ``svlm eval match``, and counts per minute, so that
rows of different length can be compared over their common part. Knows no model.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from svlm_cli.checkpoints import toml
from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.evals.claims.file import read_strictly
from svlm_cli.evals.claims.rows import ROWS
from svlm_cli.evals.claims.setting import RowSetting, require_comparable
from svlm_cli.evals.scores import FIFTHS, Count, Counts, Estimate, Scores

CELL_S: Final = 60  # counts are added up over this time

_MEASURE_AGAIN = "Measure it again with --overwrite, or use another folder."


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a measurement. Not part of the setting: scores are valid elsewhere, times are not."""

    model: str
    device: str  # cpu, cuda
    hardware: str  # its name
    dtype: str
    version: str  # of svlm


@dataclass(frozen=True, slots=True)
class RowResult:
    """A measured row."""

    setting: RowSetting
    place: Environment
    report: Mapping[str, Any]  # of ``svlm eval match``
    by_minute: Counts  # [matches, minutes, C]; the last minute may be partial

    @property
    def overall(self) -> Scores:
        """The scores of whole matches."""
        return _scores(self.report["scores"]["overall"])

    @property
    def fifths(self) -> tuple[Scores, ...]:
        """The scores of each fifth, over all matches."""
        return tuple(map(_scores, self.report["scores"]["fifths"]))

    @property
    def last_minus_first(self) -> Scores:
        """The difference of the last fifth from the first."""
        return _scores(self.report["scores"]["last_minus_first"])

    @property
    def round_s(self) -> float | None:
        """The median time of a round."""
        return _number(self.report["timing"]["round_s_median"])

    @property
    def round_s_by_fifth(self) -> tuple[float | None, ...]:
        """Medians; None after the end."""
        return tuple(map(_number, self.report["timing"]["round_s_by_fifth"]))

    @property
    def round_s_by_minute(self) -> tuple[float | None, ...]:
        """Medians; None after the end."""
        return tuple(map(_number, self.report["timing"]["round_s_by_minute"]))

    @property
    def ended_at_s(self) -> tuple[float, ...]:
        """When the engine had to give up matches early, in order."""
        return tuple(sorted(float(one["at_s"]) for one in self.report["ended"]))

    def to_json(self) -> dict[str, Any]:
        """The contents of its file."""
        return {
            "setting": asdict(self.setting),
            "place": asdict(self.place),
            "report": self.report,
            "by_minute": self.by_minute.tolist(),
        }


def row_file(folder: Path, row: str) -> Path:
    """The path of a row's result."""
    return folder / f"{row}.json"


def read_results(folder: Path) -> dict[str, RowResult]:
    """All rows in `folder` by name, in table order; `InputError` for an invalid file."""
    try:
        present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise InputError(f"{folder} is not a folder of results: {error.strerror}.", "Name another.") from error
    paths = {row.name: row_file(folder, row.name) for row in ROWS}
    return {name: _read(path, name) for name, path in paths.items() if path.name in present}


def merge(folder: Path) -> dict[str, RowResult]:
    """As `read_results`, but all rows must belong together; `InputError` if there are none."""
    results = read_results(folder)
    if not results:
        raise InputError(f"{folder} holds no measured rows.", "Measure some: name a --model.")
    require_comparable({name: result.setting for name, result in results.items()})
    return results


def is_measured(results: Mapping[str, RowResult], setting: RowSetting, folder: Path) -> bool:
    """Whether the row exists with this setting; `OutputError` if it exists with another."""
    there = results.get(setting.row)
    if there is None:
        return False
    if there.setting != setting:
        raise OutputError(
            f"{row_file(folder, setting.row)} was measured with another {_difference(there.setting, setting)}.",
            "Replace it with --overwrite, or use another folder.",
        )
    return True


def _difference(one: RowSetting, other: RowSetting) -> str:
    words = {"fingerprint": "model", "matches": "number of matches", "seconds": "length", "base": "policy"}
    names = [name.name for name in fields(RowSetting) if getattr(one, name.name) != getattr(other, name.name)]
    return words.get(names[0], names[0])


def dump(result: RowResult) -> str:
    """The text of its file."""
    return json.dumps(result.to_json(), separators=(",", ":"), allow_nan=False) + "\n"


def _read(path: Path, row: str) -> RowResult:
    with read_strictly(path, otherwise="is not a result of `svlm eval claims`.", hint=_MEASURE_AGAIN):
        data: Any = strict_json.parse(path.read_bytes())
        document = toml.Document(str(path), InputError, [*toml.keys(RowSetting), *toml.keys(Environment)])
        setting: RowSetting = document.value(RowSetting, data["setting"], "setting")
        place: Environment = document.value(Environment, data["place"], "place")
        counts = np.array(data["by_minute"], np.int64)
        result = RowResult(setting, place, data["report"], counts)
        shown = (result.overall, result.last_minus_first, result.round_s, result.round_s_by_minute, result.ended_at_s)
        expected = (setting.matches, -(-setting.seconds // CELL_S), len(Count))
        if not (all(one is not None for one in shown[:2]) and setting.row == row and counts.shape == expected):
            raise ValueError
        if not len(result.fifths) == len(result.round_s_by_fifth) == FIFTHS:
            raise ValueError
    return result


def _scores(raw: Any) -> Scores:
    return Scores(*(read_estimate(raw[one.name]) for one in fields(Scores)))


def read_estimate(raw: Any) -> Estimate:
    """A rate from JSON. Raises what `dict` and `float` raise."""
    return Estimate(*(_number(raw[name]) for name in ("value", "low", "high")))


def _number(raw: Any) -> float | None:
    return None if raw is None else float(raw)
