"""What a layer with checkpointing keeps for the backward pass."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from svlm_cli.networks.layers import CheckpointingLayer


class _Scaled(CheckpointingLayer):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.exp(hidden * self.weight)


@pytest.mark.parametrize("learned", ["weight", "input", "nothing"])
def test_a_layer_keeps_its_inputs_only_if_something_is_learned(learned: str) -> None:
    """Guards the memory of a frozen tower, of which no layer needs to be computed again."""
    layer, kept = _Scaled(), list[Tensor]()
    layer.checkpointing = True
    layer.weight.requires_grad_(learned == "weight")
    hidden = torch.arange(4.0, requires_grad=learned == "input")

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        made = layer(hidden)
    assert any(tensor.data_ptr() == hidden.data_ptr() for tensor in kept) == (learned != "nothing")
    if learned == "nothing":
        assert not kept
        return
    gradient = torch.autograd.grad(made.sum(), layer.weight if learned == "weight" else hidden)[0]
    torch.testing.assert_close(gradient, hidden * hidden.exp() if learned == "weight" else hidden.exp())
