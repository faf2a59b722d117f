"""What a recipe needs of a GPU, counted without data, against what training really keeps."""

import itertools
import math
from dataclasses import fields

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from svlm_cli.networks.family import Grid
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.training.budget import Budget, PassShape, _Dry, _empty_batch, budget_of, model_flops
from svlm_cli.training.collate import TokenBatch, collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.network import LearningNetwork, freeze, parameter_groups, weights_of
from svlm_cli.training.parts import NetworkPart
from tests.training.recipes import SIZES
from tests.training.test_network import GRID, _None, _window, network

__all__ = ["network"]  # a fixture

GRIDS: tuple[Grid, ...] = (GRID,) * 3
PATCH = 1176


def _batch() -> TokenBatch:
    return collate([_window(140, 0), _window(161, 1), _window(127, 2)], _None()).tokens


def _kept(network: LearningNetwork, *, bf16: bool) -> int:
    """What a forward pass on the CPU keeps, its weights left out."""
    own = {id(weight.untyped_storage()): weight for weight in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own:
            kept[id(storage)] = storage
        return tensor

    patches = torch.randn(sum(map(math.prod, GRIDS)), PATCH)
    batch = _batch()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16), saved_tensors_hooks(keep, lambda tensor: tensor):
        network(DeviceBatch(batch, patches, GRIDS, 1.0, batch.bounds[-1]))
    return sum(storage.nbytes() for storage in kept.values())


def _budget(network: LearningNetwork, frozen: tuple[NetworkPart, ...], *, bf16: bool) -> Budget:
    with torch.device("meta"):
        empty = LearningNetwork(network.network.family.network())
    freeze(weights_of(empty.network, frozen), bf16=False)
    return budget_of(empty, PassShape(_batch(), GRIDS, PATCH), bf16=bf16)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("frozen", [(), (NetworkPart.VISION,)])
def test_what_is_kept_is_what_autograd_keeps(network: Qwen2_5VL, frozen: tuple[NetworkPart, ...], bf16: bool) -> None:
    """Guards the count against networks that change: layers, norms, rotation, attention, the loss."""
    real = LearningNetwork(network)
    freeze(weights_of(real.network, frozen), bf16=False)
    try:
        found = _budget(real, frozen, bf16=bf16).activations
        assert found == pytest.approx(_kept(real, bf16=bf16), rel=0.1)  # kernels differ in what they keep beside
    finally:
        network.requires_grad_(True)


def test_weights_gradients_and_moments_are_those_of_a_step(network: Qwen2_5VL) -> None:
    """Guards the bytes that do not depend on a batch."""
    real = LearningNetwork(network)
    freeze(weights_of(real.network, (NetworkPart.VISION,)), bf16=False)
    try:
        optimizer = torch.optim.AdamW(parameter_groups(real, 0.1), lr=1e-3)
        batch = _batch()
        patches = torch.randn(sum(map(math.prod, GRIDS)), PATCH)
        real(DeviceBatch(batch, patches, GRIDS, 1.0, batch.bounds[-1]))["loss"].backward()
        optimizer.step()
        found = _budget(real, (NetworkPart.VISION,), bf16=False)
        weights = [*real.parameters()]
        assert found.learned == sum(one.nbytes for one in weights if one.requires_grad)
        assert found.frozen == sum(one.nbytes for one in weights if not one.requires_grad)
        assert found.gradients == sum(one.grad.nbytes for one in weights if one.grad is not None)
        moments = [value for state in optimizer.state.values() for value in state.values() if value.ndim]
        assert found.moments == sum(value.nbytes for value in moments)
        assert found.total == sum(getattr(found, one.name) for one in fields(found))
    finally:
        network.requires_grad_(True)
        network.zero_grad()


def test_the_work_is_that_of_every_matrix_product(network: Qwen2_5VL) -> None:
    """Guards MFU: by hand, each linear layer twice its weights a row forwards, and once or twice that back."""
    learned, frozen = (_flops(network, parts) for parts in ((), (NetworkPart.VISION,)))
    family, batch = network.family, _batch()
    text, tokens = family.language, len(batch.ids)
    layers = [
        one.weight.numel()
        for name, one in network.named_modules()
        if name.startswith("language.model.layers.")
        if isinstance(one, torch.nn.Linear)
    ]
    matrices = 6 * tokens * sum(layers) + 6 * len(batch.targets) * text.vocab_size * text.hidden_size
    lengths = [stop - start for start, stop in itertools.pairwise(batch.bounds)]
    attention = 3 * 4 * 0.5 * sum(one**2 for one in lengths) * text.hidden_size * text.num_hidden_layers
    own = _flops(network, tuple(NetworkPart))  # nothing learns: forwards alone
    looking = own - (matrices + attention) / 3
    assert frozen == pytest.approx(matrices + attention + looking)
    pixels = 2 * sum(map(math.prod, GRIDS)) * PATCH * SIZES.vision.hidden_size  # whose gradient nobody wants
    assert learned == pytest.approx(frozen + 2 * looking - pixels)


def _flops(network: Qwen2_5VL, frozen: tuple[NetworkPart, ...]) -> float:
    with torch.device("meta"):
        empty = LearningNetwork(network.family.network())
    freeze(weights_of(empty.network, frozen), bf16=False)
    if set(frozen) == set(NetworkPart):
        with torch.no_grad(), FlopCounterMode(display=False) as counter, _Dry(half=False) as dry:
            empty(_empty_batch(PassShape(_batch(), GRIDS, PATCH)))
        return float(counter.get_total_flops() + dry.attention_flops)
    return model_flops(empty, PassShape(_batch(), GRIDS, PATCH))
