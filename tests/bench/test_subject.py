"""What a bench measures: shapes with random weights, and pictures of what came out."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.bench import subject
from svlm_cli.bench.latency import Load, measure
from svlm_cli.bench.plots import draw_latency
from svlm_cli.bench.subject import Subject
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.place import EnginePlace
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.families import SHAPES
from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily
from svlm_cli.networks.weights import load_family
from tests.conftest import Svlm


@pytest.mark.parametrize(("name", "billions"), [("3b", 3.75), ("7b", 8.29)])
def test_shapes_have_the_size_of_what_is_published(name: str, billions: float) -> None:
    """Guards a layer too few: the names round down, the published files have 7.5 and 16.6 GB."""
    with torch.device("meta"):
        model = SHAPES[name].network()
    assert sum(weight.numel() for weight in model.parameters()) / 1e9 == pytest.approx(billions, abs=0.01)


def test_random_weights_stream(monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Guards tokens that the borrowed tokenizer does not know, and numbers that overflow."""
    family = load_family(tiny_checkpoint)
    assert isinstance(family, Qwen2_5VLFamily)
    text = replace(family.config.text, vocab_size=1024)  # as with a release: more than are used
    monkeypatch.setattr(subject, "SHAPES", {"tiny": Qwen2_5VLFamily(replace(family.config, text=text))})
    one = Subject.random("tiny")
    policy = one.policy.changed(PolicyOverrides(max_new_tokens=4))
    engine = one.engine(policy, Engine, EnginePlace(torch.device("cpu"), torch.float32), max_streams=2)
    result = measure(engine, Load(rounds=25, tokens=4, width=56, height=56))
    assert (result.rounds, len(result.token_s_over_time)) == (25, 3)
    draw_latency([result], tmp_path / "plots" / "latency.png", 1.0)
    assert (tmp_path / "plots" / "latency.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("system\nYou are a helpful assistant.", 8),  # system, the line's end, five words and the full stop
        ("previous text\n", 3),
        ("user\n", 2),
        ("assistant\n", 2),
        ("\n", 1),
        ("Time=0.0-1.0s", 10),  # digits one by one, and each sign
        ("Time=3600.0-3601.0s", 16),
        (" ...", 1),
    ],
)
def test_random_weights_read_as_many_tokens_as_with_qwens_tokenizer(text: str, count: int) -> None:
    """Guards rounds that are shorter or longer than those of the real model. Only the query, which leaves with the
    first round, is another number.
    """
    assert len(Tokenizer(Subject.random("7b").folder).encode(text)) == count


def test_a_shape_that_nobody_published_is_refused(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="There are no random weights 9b"):
        Subject.random("9b")
    done = svlm_inside("bench", "latency", "--random-weights", "7b", "--model", tiny_checkpoint)
    assert (done.returncode, done.stdout) == (2, "")
    assert "A model has weights of its own" in done.stderr
