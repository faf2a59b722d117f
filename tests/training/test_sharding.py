"""A network that is shared out learns as a whole one does."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor

from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.sharding import share_out
from tests.training.recipes import small_family
from tests.training.test_memory import _batch

CPU = torch.device("cpu")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """Of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def network(request: pytest.FixtureRequest) -> LearningNetwork:
    family = small_family()
    assert isinstance(family, Qwen2_5VLFamily)
    network = replace(family, config=replace(family.config, tie_word_embeddings=request.param)).network()
    network.initialise(seed=1)
    return LearningNetwork(network)


@pytest.mark.usefixtures("group")
def test_word_embeddings_learn_as_in_one_process(network: LearningNetwork) -> None:
    """Guards the curve of several GPUs against gradients that are added up in bfloat16."""
    network.most_logits = 500  # of five tokens at once
    shared = copy.deepcopy(network)
    share_out(shared, CPU, bf16=True, from_first=True)
    for one in (network, shared):
        with torch.autocast("cpu", torch.bfloat16):
            one(_batch())["loss"].backward()
    for ours, theirs in zip(shared.network.word_embeddings(), network.network.word_embeddings(), strict=True):
        assert isinstance(ours.grad, DTensor)
        assert theirs.grad is not None
        torch.testing.assert_close(ours.grad.full_tensor(), theirs.grad, rtol=1e-4, atol=1e-7)
