"""What svlm says it takes of a GPU."""

import pytest
import torch

from svlm_cli.compute.device import held_memory

pytestmark = pytest.mark.gpu


def test_what_is_held_is_counted() -> None:
    """The live view would show nothing of the card, or another program's memory."""
    device = torch.device("cuda")
    kept = torch.zeros(64 << 20, dtype=torch.uint8, device=device)
    after = held_memory(device)
    assert after is not None
    assert after.held >= kept.numel()
    assert after.name == torch.cuda.get_device_name(device)
    assert after.total > 1 << 30
