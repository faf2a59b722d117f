"""The loss against a naive one, the first weights, the schedule, and who is decayed."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.core.policy import Markup
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.training.collate import LENGTH_MULTIPLE, TARGET_MULTIPLE, collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import IGNORED, Role, WindowTokens
from svlm_cli.training.network import (
    LearningNetwork,
    learning_rate_factor,
    parameter_groups,
    scratch_family,
)
from tests.training.recipes import SIZES

PAD = 3
GRID = (2, 4, 4)  # patches
PADS = 8  # tokens


class _None:
    """Pictures that nobody asks for."""

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[torch.Tensor, list[Grid]]:
        raise AssertionError


@pytest.fixture(scope="module")
def network() -> Qwen2_5VL:
    """A tiny one, with ids of control tokens from 0 on."""
    markup = Markup()
    names = ("<|endoftext|>", markup.turn_end, "<|image_pad|>", markup.video_pad, markup.vision_start)
    ids = {name: index for index, name in enumerate((*names, markup.vision_end))}
    model = scratch_family(SIZES, markup, ids.__getitem__, 100).network()
    model.initialise(seed=1)
    assert isinstance(model, Qwen2_5VL)
    return model


def _window(length: int, seed: int) -> WindowTokens:
    random = np.random.default_rng(seed)
    ids = random.integers(10, 100, length).astype(np.int32)
    ids[5 : 5 + PADS] = PAD
    roles = np.where(random.random(length) < 0.4, random.integers(1, len(Role), length), 0).astype(np.int8)
    roles[: 5 + PADS] = Role.NONE
    positions = np.sort(random.integers(0, 60, (length, 3)), axis=0).astype(np.float32)
    return WindowTokens(ids, positions, roles, np.arange(5, 5 + PADS, dtype=np.int32), ids)


def test_the_loss_is_the_mean_over_learned_tokens_of_each_window_alone(network: Qwen2_5VL) -> None:
    """Guards packing, the shift by one, and windows that would see or feed each other: loss and gradients."""
    windows = [_window(40, 0), _window(61, 1), _window(27, 2)]
    batch = collate(windows, _None())
    patches = torch.randn(3 * math.prod(GRID), 1176, generator=torch.Generator().manual_seed(0))
    grids = (GRID,) * 3
    loss = LearningNetwork(network)(DeviceBatch(batch.tokens, patches, grids, 1 / batch.learned, batch.count))
    gradients = torch.autograd.grad(loss["loss"], [*network.parameters()])
    naive, tally = [], torch.zeros(len(Role))
    for index, window in enumerate(windows):
        own = patches[index * math.prod(GRID) : (index + 1) * math.prod(GRID)]
        ids = torch.from_numpy(window.ids).long()[None]
        logits = network(ids, torch.from_numpy(window.positions)[None], own, [GRID])[0]
        for place in np.flatnonzero(window.roles).tolist():
            naive.append(F.cross_entropy(logits[place - 1], ids[0, place]))
            tally[window.roles[place]] += 1
    mean = torch.stack(naive).mean()
    torch.testing.assert_close(loss["loss"], mean, atol=1e-5, rtol=0)  # sums in another order
    for ours, theirs in zip(gradients, torch.autograd.grad(mean, [*network.parameters()]), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    assert loss["tally"][1:, 0].tolist() == tally[1:].tolist()
    assert batch.count == 40 + 61 + 27 == len(batch.tokens.ids), "there is no padding"
    assert batch.learned == len(naive)


def test_what_moves_at_visual_tokens_is_learned_by_the_tower(network: Qwen2_5VL) -> None:
    """Guards the second loss: its weight, tokens that are not asked, and labels in the order of the features."""
    windows = [_window(40, 0), _window(61, 1)]
    labels = np.array([0, 3, IGNORED, 1, 0, IGNORED, 7, 2], np.int8)
    windows = [replace(windows[0], cells=labels), replace(windows[1], cells=labels[::-1])]
    batch = collate(windows, _None())
    patches = torch.randn(2 * math.prod(GRID), 1176, generator=torch.Generator().manual_seed(0))
    given = DeviceBatch(batch.tokens, patches, (GRID,) * 2, 0.25, batch.count)
    learning = LearningNetwork(network, cell_loss=0.5)
    assert not any(weights.any() for weights in learning.cells.parameters()), "each process begins with the same"
    torch.nn.init.normal_(learning.cells.weight, generator=torch.Generator().manual_seed(1))
    found = learning(given)
    features = network.look(patches, (GRID,) * 2)[0]
    targets = torch.from_numpy(np.concatenate([labels, labels[::-1]])).long()
    naive = F.cross_entropy(learning.cells(features), targets, ignore_index=IGNORED, reduction="sum")
    plain = replace(given, tokens=replace(batch.tokens, cells=None))
    torch.testing.assert_close(found["loss"], LearningNetwork(network)(plain)["loss"] + 0.25 * 0.5 * naive)
    assert found["tally"][Role.CELL, 0] - LearningNetwork(network)(plain)["tally"][Role.CELL, 0] == 8
    (gradient,) = torch.autograd.grad(naive, [next(network.visual.parameters())])
    assert gradient.abs().sum() > 0


def test_windows_without_words_teach_the_tower_alone(network: Qwen2_5VL) -> None:
    """Guards words that see the pictures of such a window, and a batch of nothing else."""
    none = np.empty(0, np.int32)
    labels = np.array([0, 3, 1, 2, 0, 0, 7, 5], np.int8)
    axes = _window(40, 0).positions.shape[1]
    wordless = WindowTokens(none, np.empty((0, axes), np.float32), none.astype(np.int8), none, none, cells=labels)
    patches = torch.randn(2 * math.prod(GRID), 1176, generator=torch.Generator().manual_seed(0))
    learning = LearningNetwork(network, cell_loss=0.5)
    torch.nn.init.normal_(learning.cells.weight, generator=torch.Generator().manual_seed(1))

    def learned(*windows: WindowTokens, shown: Tensor) -> Tensor:
        batch = collate(windows, _None())
        grids = (GRID,) * len(windows)
        loss: Tensor = learning(DeviceBatch(batch.tokens, shown, grids, 1.0, batch.count))["loss"]
        return loss

    first, second = torch.split(patches, math.prod(GRID))
    spoken = replace(_window(40, 0), cells=labels)
    alone = learned(wordless, shown=second)
    torch.testing.assert_close(learned(spoken, wordless, shown=patches), learned(spoken, shown=first) + alone)
    gradients = torch.autograd.grad(alone, [*network.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients), "each weight has one, as several processes expect"
    assert gradients[0].abs().sum() > 0


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_layers_add_up_in_the_format_of_the_stored_weights(network: Qwen2_5VL, stored: torch.dtype) -> None:
    """Guards several processes, which gather weights in bfloat16, against learning worse than one does."""
    learning, batch = LearningNetwork(copy.deepcopy(network).to(stored)), collate([_window(40, 0)], _None())
    found = set[torch.dtype]()
    decoder = learning.network.get_submodule("language.model.layers")
    for layer in decoder.children():
        layer.register_forward_pre_hook(lambda _, inputs: found.add(inputs[0].dtype))
    learning.to(torch.bfloat16)  # as they are gathered
    with torch.autocast("cpu", torch.bfloat16):
        learning(DeviceBatch(batch.tokens, torch.randn(math.prod(GRID), 1176), (GRID,), 1.0, batch.count))
    assert found == {stored}


def test_shapes_come_in_multiples() -> None:
    """Guards compiled code against a shape of its own for every batch."""
    tokens = collate([_window(40, 0), _window(LENGTH_MULTIPLE + 1, 1)], _None()).tokens
    assert tokens.ids.shape == (2 * LENGTH_MULTIPLE,)
    assert tokens.bounds == (0, 40, 41 + LENGTH_MULTIPLE, 2 * LENGTH_MULTIPLE)
    assert tokens.starts.tolist() == [*tokens.bounds]
    assert len(tokens.targets) == len(tokens.targets_at) == len(tokens.roles) == TARGET_MULTIPLE


def test_first_weights(network: Qwen2_5VL) -> None:
    """Guards the scheme itself, and that a seed gives its weights again."""
    again = network.family.network()
    again.initialise(seed=1)
    weights = dict(network.named_parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in again.named_parameters())
    for name, weight in weights.items():
        if weight.ndim == 1:
            assert set(weight.tolist()) == {0.0 if name.endswith("bias") else 1.0}, name
        elif weight.numel() > 1000:
            residual = name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight"))
            assert weight.std().item() == pytest.approx(0.02 / (math.sqrt(4) if residual else 1), rel=0.1), name


def test_norms_and_biases_are_not_decayed(network: Qwen2_5VL) -> None:
    """Guards both groups: each trained weight in one of them, matrices alone decayed."""
    decayed, plain = parameter_groups(network, 0.1)
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert all(weight.ndim > 1 for weight in decayed["params"])
    assert all(weight.ndim == 1 for weight in plain["params"])
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    """Guards warm-up and cosine at their joints."""
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[10] == 1.0
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert 0 < factors[-1] < 0.001
    assert learning_rate_factor(0, 1, 0.0) == 1.0
