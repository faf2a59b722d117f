"""A row from an engine to its result."""

from pathlib import Path

import torch

from svlm_cli.core.types import Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.claims.run import make_result
from svlm_cli.evals.claims.setting import RowSetting
from svlm_cli.evals.controls import run_controls
from svlm_cli.evals.runner import MatchSelection, Played, play
from svlm_cli.evals.scores import Count
from svlm_cli.evals.script import write_scripts
from tests.evals.test_runner import SEED, world_policy

SECONDS = 70


def test_minutes_add_up_to_the_report(tiny_checkpoint: Path) -> None:
    """Guards the comparison over a common length against other counts than those of the report."""
    policy = world_policy()
    engine = Engine.load(tiny_checkpoint, policy, device=torch.device("cpu"), dtype=torch.float32)
    played = play(engine, MatchSelection(1, SECONDS, SEED))
    scripts = write_scripts([(SEED, SECONDS)])
    setting = RowSetting("streaming", "0" * 16, 1, SECONDS, SEED, policy, policy)

    def made(one: Played) -> dict[str, int]:
        result = make_result(setting, "tiny", engine, one, scripts, run_controls(scripts))
        assert result.by_minute.shape == (1, 2, len(Count))
        assert (result.place.device, result.place.dtype, result.place.model) == ("cpu", "float32", "tiny")
        assert result.report["timing"]["rounds"] == SECONDS
        total = dict(zip((count.name.lower() for count in Count), result.by_minute.sum(axis=(0, 1)), strict=True))
        assert total == result.report["scores"]["counts"]
        assert result.by_minute[0, 1, Count.BOTH_SPEAK :].sum() == SECONDS - 60, "the rest of the second minute"
        return total

    total = made(played)
    assert total["events_true"] > 0
    said = tuple(
        Segment(0, second, float(second), second + 1.0, text, token_ids=(), work_s=0.0)
        for second, text in enumerate(scripts[0].texts)
    )
    perfect = made(Played((said,), (), played.timing))
    assert perfect["events_hit"] == perfect["events_said"] == perfect["events_true"] == total["events_true"]
