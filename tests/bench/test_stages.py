"""`svlm bench stages`: that the stages are those of a round, and that they add up to it."""

import json
from pathlib import Path

import pytest
import torch

from svlm_cli.bench.latency import Load
from svlm_cli.bench.stages import StagedEngine, measure
from tests.conftest import Svlm
from tests.engine.conftest import small_policy


def test_stages_add_up_to_a_round(tiny_checkpoint: Path) -> None:
    """Guards a stage that is measured twice or not at all."""
    engine = StagedEngine.load(
        tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32, max_streams=2
    )
    result = measure(engine, Load(rounds=5, tokens=6, width=56, height=56), 2)
    assert min(result.vision_s, result.eviction_s, result.prefill_s, result.decode_s) > 0
    last = engine.taken
    stages = ("vision", "eviction", "prefill", "decode")
    assert 0.5 * last["round"] < sum(last[stage] for stage in stages) <= last["round"]
    assert result.step_s == result.decode_s / 5
    assert engine.taken.keys() == {*stages, "round"}


def test_a_profile_says_what_each_stage_does(tiny_checkpoint: Path) -> None:
    """Guards kernels of another stage, and times that add up to more than the stage."""
    engine = StagedEngine.load(tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32)
    result = measure(engine, Load(rounds=1, tokens=6, width=56, height=56), 1, kernels=3)
    stages = [one.stage for one in result.kernels]
    assert stages == [stage for stage in ("vision", "eviction", "prefill", "decode") for _ in range(3)]
    of_prefill = {one.name for one in engine.kernels if one.stage == "prefill"}
    assert any("mm" in name for name in of_prefill), "which are the longest, a busy machine decides"
    for stage in set(stages):
        times = [one.seconds for one in result.kernels if one.stage == stage]
        assert times == sorted(times, reverse=True)
        assert 0 < sum(times) < engine.taken[stage]
    assert measure(engine, Load(rounds=1, tokens=6, width=56, height=56), 1).kernels == ()


@pytest.mark.extra  # commands/test_measuring.py does nearly the same
def test_the_command_prints_one_document_if_asked(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm_inside(
        "bench", "stages", "--model", tiny_checkpoint, "--rounds", "2", "--tokens", "3", "--size", "56x56",
        "--streams", "2", "--fps", "4", "--pair-tokens", "4", "--kernels", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["bench"], report["setting"]["fps"], report["setting"]["max_pixels"]) == ("stages", 4.0, 4 * 28 * 28)
    assert report["results"][0]["streams"] == 2
    assert [one["stage"] for one in report["results"][0]["kernels"]] == ["vision", "eviction", "prefill", "decode"]
