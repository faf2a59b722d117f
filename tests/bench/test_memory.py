"""`svlm bench memory`: what is said beforehand is what an engine then says of itself."""

import json
from pathlib import Path

import pytest
import torch

from svlm_cli.bench.subject import Subject
from svlm_cli.commands.app import main
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.place import EnginePlace


def test_an_engine_takes_what_was_said(tiny_checkpoint: Path) -> None:
    """Guards a table that people buy a GPU by against another policy, or another number of streams."""
    subject = Subject.named(str(tiny_checkpoint), None, offline=True)
    said = subject.footprint(subject.policy, torch.float32, streams=3)
    engine = subject.engine(subject.policy, Engine, EnginePlace(torch.device("cpu"), torch.float32), max_streams=3)
    assert said == engine.estimate()


def test_the_command_loads_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The 7B on any machine, in a moment."""
    asked = ["bench", "memory", "--json", "--random-weights", "7b", "--dtype", "bfloat16"]
    found = []
    for streams in ("1", "9"):
        assert main([*asked, "--streams", streams]) == 0
        found.append(json.loads(capsys.readouterr().out)["results"][0])
    assert found[0]["weights"] == found[1]["weights"] > 16e9
    assert found[1]["cache"] == 9 * found[0]["cache"]
