"""What streaming computes between matrix products, in plain PyTorch, against numbers worked out by hand."""

import torch

from svlm_cli.compute import ops

NO_ENDS = torch.empty(0, dtype=torch.int64)


def test_the_penalty_makes_what_was_seen_less_likely_whatever_its_sign() -> None:
    """Guards the change of sides at 0, not at -1 or 1: divided there, a logit between them would become likelier."""
    row = [-2.0, -1.0, -0.75, -0.0625, 0.0, 0.0625, 0.75, 1.0, 2.0]
    penalised = [-4.0, -2.0, -1.5, -0.125, 0.0, 0.03125, 0.375, 0.5, 1.0]
    seen = torch.tensor([[False] * len(row), [True] * len(row)])
    scores = ops.penalise(torch.tensor([row, row]), seen, torch.tensor([1, 0]), 2.0, None, NO_ENDS)
    assert scores.tolist() == [penalised, row]
