"""Measures one row of the claims: plays matches to an engine, scores its words, and adds up counts per minute.

Knows no files.
"""

from collections.abc import Sequence

import numpy as np

from svlm_cli.compute.device import hardware_name
from svlm_cli.core.version import __version__
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.claims.results import CELL_S, Environment, RowResult
from svlm_cli.evals.claims.setting import RowSetting
from svlm_cli.evals.controls import Controls
from svlm_cli.evals.match import tally
from svlm_cli.evals.report import score
from svlm_cli.evals.runner import MatchSelection, Played, describe
from svlm_cli.evals.scores import Counts
from svlm_cli.evals.script import Script


def make_result(
    setting: RowSetting, model: str, engine: Engine, played: Played, scripts: Sequence[Script], controls: Controls
) -> RowResult:
    """The result of a row, from matches `played` by the `engine` of `model`."""
    texts = played.texts(setting.seconds)
    counts = [tally(one.truth, one.read(said)) for one, said in zip(scripts, texts, strict=True)]
    described = describe(model, engine, MatchSelection(setting.matches, setting.seconds, setting.seed))
    report = score(scripts, texts, controls).to_json(described, played)
    device = engine.device
    place = Environment(model, device.type, hardware_name(device), engine.number_format, __version__)
    return RowResult(setting, place, report, np.stack([_by_minute(one) for one in counts]))


def _by_minute(counts: Counts) -> Counts:
    """``[seconds, C]`` -> ``[minutes, C]``."""
    summed: Counts = np.add.reduceat(counts, np.arange(0, len(counts), CELL_S), axis=0)
    return summed
