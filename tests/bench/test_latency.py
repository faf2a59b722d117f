"""`svlm bench latency`: that it measures what it says. How fast a machine is, no test judges."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from svlm_cli.bench import latency
from svlm_cli.bench.latency import Load, chunks, measure
from svlm_cli.bench.memory import resident_bytes
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.engine.engine import Engine
from tests.conftest import Svlm
from tests.engine.conftest import small_policy


def engine(folder: Path, policy: StreamPolicy) -> Engine:
    return Engine.load(folder, policy, device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.extra
def test_a_long_stream_is_flat(tiny_checkpoint: Path) -> None:
    """Guards against anything that grows with the rounds: memory that is never given back, a context that creeps."""
    result = measure(engine(tiny_checkpoint, small_policy()), Load(rounds=420, tokens=6, width=56, height=56))
    assert result.rounds == 420
    assert result.ended == ""
    assert result.resident_growth_bytes is not None
    assert result.resident_growth_bytes < 20_000_000
    assert result.last_over_settled is not None
    assert result.full_after is not None
    assert result.round_s_full is not None
    assert result.context_tokens < engine(tiny_checkpoint, small_policy()).cache.capacity


def test_full_mode_is_reported_as_ended(tiny_checkpoint: Path) -> None:
    policy = small_policy(mode=Mode.FULL)
    policy = replace(policy, windows=replace(policy.windows, full_tokens=300))
    result = measure(engine(tiny_checkpoint, policy), Load(rounds=50, tokens=6, width=56, height=56))
    assert 0 < result.rounds < 50
    assert "room for 300" in result.ended
    assert (result.round_s_settled, result.full_after, result.round_s_full) == (None, None, None)


def test_the_median_of_full_windows_leaves_out_what_came_before(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a table of full windows against rounds in which they were not: those are quicker."""
    ticks = iter(range(1000))
    monkeypatch.setattr(latency, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks)) ** 2))
    policy = small_policy(vision=3, text=3, sink=6, window=8)
    result = measure(engine(tiny_checkpoint, policy), Load(rounds=8, tokens=6, width=56, height=56))
    assert result.full_after == 5  # 13 tokens are missing, each round from the fourth on brings 5
    assert result.round_s_full == 13**2 - 12**2, "of rounds 5 to 7, which begin at ticks 10, 12 and 14"


def test_short_streams_have_no_settled_median(tiny_checkpoint: Path) -> None:
    result = measure(engine(tiny_checkpoint, small_policy()), Load(rounds=3, tokens=2, width=56, height=56))
    assert (result.round_s_settled, result.last_over_settled, result.resident_growth_bytes) == (None, None, None)
    assert result.token_s_median == pytest.approx(result.round_s_median / 2)


def test_made_up_pictures_differ_and_repeat() -> None:
    """Equal pictures, or zeros, would hide what a real video costs."""
    source = chunks(Load(rounds=1, tokens=1, width=8, height=4), frames=2, seconds=0.5)
    first, second, third = next(source), next(source), next(source)
    assert first.frames[0].shape == (4, 8, 3)
    assert (first.frames[0] != second.frames[0]).any()
    assert (first.frames[0] == third.frames[0]).all()
    assert (second.start_s, second.end_s) == (0.5, 1.0)


def test_resident_memory_follows_an_allocation() -> None:
    before = resident_bytes()
    block = bytearray(b"x" * 50_000_000)
    assert resident_bytes() - before > 40_000_000
    assert block


def test_the_command_prints_one_document_if_asked(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm_inside(
        *("bench", "latency", "--model", str(tiny_checkpoint), "--rounds", "4", "--tokens", "3"),
        *("--size", "56x56", "--mode", "streaming", "--mode", "window-overlap", "--json"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [result["mode"] for result in report["results"]] == ["streaming", "window-overlap"]
    assert {result["rounds"] for result in report["results"]} == {4}
    assert report["setting"]["tokens"] == 3


@pytest.mark.parametrize("size", ["big", "0x4", "10x-3"])
def test_a_size_that_is_none(svlm_inside: Svlm, tiny_checkpoint: Path, size: str) -> None:
    done = svlm_inside("bench", "latency", "--model", str(tiny_checkpoint), "--size", size)
    assert done.returncode == 2
    assert size in done.stderr
    assert "Traceback" not in done.stderr
