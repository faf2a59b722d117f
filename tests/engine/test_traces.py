"""The engine against the published loop, as it was recorded: eight configurations, 570 rounds, 6,935 tokens.

Contexts, tokens and positions are equal. Logits are within 1e-4: both sides sum the same products in another order, and
the recording was made on another processor.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from svlm_cli.core.types import TokenEvent
from svlm_cli.engine import plan
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import flatten
from svlm_cli.networks.family import Positions
from tests.engine.traces import NAMES, Round, Trace, make_checkpoint

ATOL = 1e-4
POSITIONS_ATOL = 5e-6  # they were recorded in float32, and some are thirds
SHORT = ("native", "recompute", "v1t1")  # a few seconds each; the others take a minute together
EXTRA = pytest.mark.extra


@pytest.fixture(scope="session")
def recorded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("traces") / "checkpoint")


def test_all_is_there() -> None:
    """Guards a comparison that passes because it has nothing to compare."""
    traces = [Trace(name) for name in NAMES]
    assert len(traces) == 8
    assert sum(trace.setting["rounds"] for trace in traces) == 570
    assert sum(len(round_.said) for trace in traces for round_ in trace.rounds()) == 6935


@pytest.mark.parametrize("name", [name if name in SHORT else pytest.param(name, marks=EXTRA) for name in NAMES])
def test_left_to_itself(recorded_checkpoint: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_equal(recorded_checkpoint, Trace(name), monkeypatch, forced=False)


@EXTRA
@pytest.mark.parametrize("name", NAMES)
def test_with_the_words_put_into_its_mouth(
    recorded_checkpoint: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_equal(recorded_checkpoint, Trace(name), monkeypatch, forced=True)


def assert_equal(folder: Path, trace: Trace, monkeypatch: pytest.MonkeyPatch, *, forced: bool) -> None:
    """Round by round."""
    engine = Engine.load(folder, trace.policy, device=torch.device("cpu"), dtype=torch.float32)
    with engine.open(context=trace.setting["context"]) as stream:
        for number, (chunk, round_) in enumerate(zip(trace.chunks(), trace.rounds(), strict=True)):
            contexts: list[list[int]] = []
            logits: list[Tensor] = []

            def observe(_: object, row: Tensor, to: list[Tensor] = logits, seen: list[list[int]] = contexts) -> None:
                seen.append(flatten(stream.spans))
                to.append(row)

            request = Request(stream, chunk, forced_ids=round_.said if forced else None)
            with monkeypatch.context() as patch:
                if number == 0:  # the published loop cuts the previous text from the next round on
                    patch.setattr(plan, "cut_previous", lambda count, _windows: (count, count))
                events = list(engine.step([request], observe=observe))
            assert contexts[0] == round_.context, f"round {number}"
            assert tuple(event.token_id for event in events if isinstance(event, TokenEvent)) == round_.said
            assert_close(round_, logits, stream.positions, f"round {number}")


def assert_close(round_: Round, logits: list[Tensor], positions: Positions, where: str) -> None:
    """What is no whole number. The published loop has positions of what is cached: all but the end of the round."""
    held = len(round_.positions)
    np.testing.assert_allclose(positions[:held], round_.positions, rtol=0, atol=POSITIONS_ATOL, err_msg=where)
    found = np.take_along_axis(torch.stack(logits).numpy(), round_.top_ids, axis=1)
    np.testing.assert_allclose(found, round_.top_logits, rtol=0, atol=ATOL, err_msg=where)
