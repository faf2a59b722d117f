"""The probe of a vision tower: it finds what can be read, and nothing else."""

import json
from pathlib import Path

import pytest
import torch

from svlm_cli.simulator.footage.describing import MOTIONS
from tests.experiments.seeing import fit, main, shares


def test_what_is_in_the_tokens_is_found() -> None:
    """Guards a probe that is too weak, or that knows the answers."""
    random = torch.Generator().manual_seed(0)
    cells = torch.randint(0, len(MOTIONS), (20_000,), generator=random)
    tokens = torch.randn(len(cells), 24, generator=random)
    blind = shares(fit(tokens, cells)(tokens).argmax(dim=1), cells)
    tokens[:, : len(MOTIONS)] += 5 * torch.nn.functional.one_hot(cells, len(MOTIONS))
    seen = shares(fit(tokens, cells)(tokens).argmax(dim=1), cells)
    assert (seen["exact"] or 0) > 0.95
    assert (blind["exact"] or 0) < 0.3
    assert (seen["true"] or 0) > 0.95


@pytest.mark.extra
def test_the_command(tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tiny_checkpoint), "--matches", "2", "--minutes", "0.5"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3 + len(MOTIONS[1:])
