"""What a model is like while it is validated, and afterwards."""

import torch
from torch import nn

from svlm_cli.training.validation import _as_it_was


def test_nothing_is_dropped_out_and_no_number_is_missed() -> None:
    """Guards a loss that changes by chance, and a run that goes on with other random numbers than without."""
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 1))
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    with _as_it_was(model, torch.device("cpu")):
        ones = torch.ones(64)
        assert torch.equal(model[0](ones), ones)
        torch.rand(100)
    assert torch.equal(torch.rand(4), expected)
    assert model.training
    assert not torch.equal(model[0](ones), ones)
