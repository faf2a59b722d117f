"""`svlm bench streams`: that the number it finds is the largest that is live."""

import json
from pathlib import Path

import pytest
import torch

from svlm_cli.bench import streams
from svlm_cli.bench.latency import Load
from svlm_cli.bench.streams import Trial, find_most
from svlm_cli.engine.engine import Engine
from tests.conftest import Svlm
from tests.engine.conftest import small_policy

LOAD = Load(rounds=4, tokens=2, width=56, height=56)


@pytest.mark.parametrize("limit", [0, 3, 4, 23, 24, 60, 64, 100])
def test_finds_the_largest_number_that_is_live(
    limit: int, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path
) -> None:
    """Guards the search at its ends, and against trials that could be spared: each takes minutes."""

    def pretended(engine: Engine, load: Load, count: int) -> Trial:
        return Trial(count, load.rounds, 0.5, 0.9 if count <= limit else 1.1, live=count <= limit)

    monkeypatch.setattr(streams, "attempt", pretended)
    engine = Engine.load(tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32)
    trials = find_most(engine, LOAD, most=64, step=4)
    assert max((one.streams for one in trials if one.live), default=0) == min(limit // 4 * 4, 64)
    assert len(trials) <= 6
    assert [one.streams for one in trials] == sorted({one.streams for one in trials})


def test_the_command_prints_json_last(svlm: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm(
        "bench", "streams", "--model", tiny_checkpoint, "--rounds", "2", "--tokens", "2", "--size", "56x56",
        "--most", "2", "--step", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["bench"] == "streams"
    assert report["live_streams"] == max((one["streams"] for one in report["results"] if one["live"]), default=0)
    assert all(one["live"] == (one["round_s_p99"] < 1) for one in report["results"])
    assert svlm("bench", "streams", "--model", tiny_checkpoint, "--most", "2", "--step", "3").returncode == 2
