"""Tiny random checkpoints, loaded by transformers and by us."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.weights import load_network
from tests.tiny import make_tiny_checkpoint

Pair = tuple[Qwen2_5VL, Any]
"""Our network and transformers', of the same checkpoint."""


@pytest.fixture(scope="session")
def load_pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Pair]:
    def load(tied: bool) -> Pair:
        folder = make_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint", tied=tied)
        return load_both(folder)

    return load


@pytest.fixture(scope="session")
def pair(load_pair: Callable[[bool], Pair]) -> Pair:
    return load_pair(False)


def load_both(folder: Path) -> Pair:
    ours = load_network(folder, device=torch.device("cpu"), dtype=torch.float32)
    assert isinstance(ours, Qwen2_5VL)
    reference: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    return ours, reference.eval()
