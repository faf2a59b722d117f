"""Benches from their setup to a report: the setting that is told is the one that was measured."""

from pathlib import Path

import pytest

from svlm_cli.bench.latency import Load
from svlm_cli.bench.runs import bench_latency, bench_memory
from svlm_cli.bench.setup import BenchSetup
from svlm_cli.bench.subject import Subject
from svlm_cli.checkpoints import policy_changes
from svlm_cli.core.policy import Mode
from svlm_cli.engine.place import EnginePlace
from tests.reporters import KeepingReporter


@pytest.fixture
def setup(tiny_checkpoint: Path) -> BenchSetup:
    subject = Subject.named(str(tiny_checkpoint), None, offline=True)
    changes = policy_changes.read(single=["windows.window_tokens=16"])
    return BenchSetup(subject, EnginePlace.of("cpu"), Load(3, 2, 56, 56, 0), changes, fps=2.0, vision_tokens=64)


def test_the_setting_is_what_was_asked_for(setup: BenchSetup) -> None:
    """Guards tables of figures against settings that they were not measured with."""
    policy = setup.policy(Mode.WINDOW)
    assert (policy.mode, policy.vision.fps, policy.windows.window_tokens) == (Mode.WINDOW, 2.0, 16)
    assert policy.sampling.max_new_tokens == 2
    told = setup.told()
    assert (told["fps"], told["rounds"], told["tokens"], told["width"]) == (2.0, 3, 2, 56)
    assert told["vision_tokens"] == 64
    assert told["policy"] == {"windows": {"window_tokens": 16}}
    assert {"svlm", "python", "torch"} <= told["versions"].keys()


def test_memory_grows_with_streams(setup: BenchSetup) -> None:
    """Guards the answer to "how many cameras": nothing is loaded for it."""
    one, two = (bench_memory(setup, count).document for count in (1, 2))
    assert two["results"][0]["cache"] == 2 * one["results"][0]["cache"]
    assert (one["setting"]["streams"], two["setting"]["streams"]) == (1, 2)


def test_each_mode_is_measured_and_told(setup: BenchSetup) -> None:
    """Guards the comparison of modes: a row and a bar each."""
    reporter = KeepingReporter()
    report, results = bench_latency(setup, [Mode.STREAMING, Mode.WINDOW], reporter)
    assert [one["mode"] for one in report.document["results"]] == ["streaming", "window"]
    assert [name for name, _ in reporter.counted] == ["streaming", "window"]
    assert [row[0].rstrip("*") for row in report.tables[0][1]] == ["streaming", "window"]
    assert len(results) == 2
