"""The vision tower of few large operations against the network of many small ones."""

import copy
from dataclasses import replace

import pytest
import torch

from svlm_cli.compute.graphs import Graphs
from svlm_cli.networks.qwen2_5_vl.fused_vision import QwenFusedVision
from svlm_cli.networks.qwen2_5_vl.vision import VisionTower
from tests.networks.qwen2_5_vl.conftest import Pair

GRIDS = [(2, 8, 12), (1, 4, 4)]


@pytest.fixture(params=[0, 3], ids=["whole", "odd"])
def tower(pair: Pair, request: pytest.FixtureRequest) -> VisionTower:
    """With an inner size that is a multiple of 8, and with one that is not."""
    config = pair[0].config.vision
    config = replace(config, intermediate_size=config.intermediate_size - request.param)
    torch.manual_seed(0)
    tower = VisionTower(config)
    with torch.no_grad():
        for weight in tower.parameters():  # biases of 0 and norms of 1 would hide what is left out
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(len(weight))), alpha=0.02)
    return tower


@torch.no_grad()
def test_sees_what_the_network_sees(tower: VisionTower) -> None:
    """Guards gates taken for what they let through, and channels that were added and are not 0."""
    patches = torch.randn(2 * 96 + 16, tower.config.patch_dim, generator=torch.Generator().manual_seed(0))
    expected = tower(patches, GRIDS)
    found = QwenFusedVision(copy.deepcopy(tower), Graphs(patches.device))(patches, GRIDS)
    torch.testing.assert_close(found, expected[None], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_network_goes_on_working_on_the_same_memory(tower: VisionTower) -> None:
    before = {name: weight.clone() for name, weight in tower.state_dict().items()}
    fused = QwenFusedVision(tower, Graphs(torch.device("cpu")))
    for name, weight in tower.state_dict().items():
        assert torch.equal(weight, before[name]), name
    tower.state_dict()["blocks.0.mlp.down_proj.weight"].zero_()
    assert not fused._blocks[0].down.any()
