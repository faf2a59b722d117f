"""The language model of few large operations against the network of many small ones."""

import copy

import pytest
import torch
from torch import Tensor

from svlm_cli.networks.attend import WholeSequence
from svlm_cli.networks.qwen2_5_vl.fused_language import QwenFusedLanguage
from svlm_cli.networks.qwen2_5_vl.language import LanguageModel
from tests.networks.qwen2_5_vl.conftest import Pair


@pytest.fixture
def network(pair: Pair) -> LanguageModel:
    language = copy.deepcopy(pair[0].language)
    with torch.no_grad():
        for weight in language.parameters():  # biases of 0 and norms of 1 would hide what is left out
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(len(weight))), alpha=0.02)
    return language


@torch.no_grad()
def test_says_what_the_network_says(network: LanguageModel, pair: Pair) -> None:
    """Guards the order of what is joined: queries for keys, gates for what they let through."""
    text = pair[0].config.text
    hidden = torch.randn(1, 12, text.hidden_size, generator=torch.Generator().manual_seed(0))
    attend = WholeSequence(*network.rotary.angles(torch.arange(12.0)[None, :, None].expand(1, 12, 3)))
    expected = network(hidden, attend)
    parts_of_heads = (text.num_attention_heads, text.num_key_value_heads, text.num_key_value_heads)

    def packed(layer: int, qkv: Tensor) -> Tensor:
        query, key, value = qkv.view(1, len(qkv), -1, text.head_dim).split_with_sizes(parts_of_heads, dim=2)
        return attend(layer, query, key, value).squeeze(0)

    fused = QwenFusedLanguage(network)(hidden.squeeze(0).clone(), packed)
    torch.testing.assert_close(fused, expected.squeeze(0), atol=1e-5, rtol=0)  # sums of float32 in another order


@torch.no_grad()
def test_takes_no_memory_of_its_own(network: LanguageModel) -> None:
    """Guards the memory of a 7B, which would hold most of its weights twice; and whoever loads weights afterwards."""
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    fused = QwenFusedLanguage(network)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name]), name
    state = network.state_dict()
    for name in ("self_attn.k_proj", "mlp.up_proj"):
        state[f"model.layers.0.{name}.weight"].zero_()
    queries, gates = (len(state[f"model.layers.0.{name}.weight"]) for name in ("self_attn.q_proj", "mlp.gate_proj"))
    qkv, gate_up = fused._layers[0].qkv, fused._layers[0].gate_up
    assert isinstance(qkv, Tensor)
    assert isinstance(gate_up, Tensor)
    assert not qkv[queries : queries + len(state["model.layers.0.self_attn.k_proj.weight"])].any()
    assert not gate_up[gates:].any()


@torch.no_grad()
def test_eight_bits_say_nearly_the_same_and_take_the_network_s_place(network: LanguageModel, pair: Pair) -> None:
    """Guards scales of the wrong channel, and a 7B whose rounded weights lie beside the ones they were made of."""
    text = pair[0].config.text
    hidden = torch.randn(12, text.hidden_size, generator=torch.Generator().manual_seed(0))
    heads = text.num_attention_heads * text.head_dim

    def packed(layer: int, qkv: Tensor) -> Tensor:
        return qkv[:, :heads].view(len(qkv), -1, text.head_dim)

    exact = QwenFusedLanguage(copy.deepcopy(network))
    rounded = QwenFusedLanguage(network, fp8=True)
    expected, found = (one.logits(one(hidden.clone(), packed)) for one in (exact, rounded))
    assert (found - expected).norm() / expected.norm() < 0.1  # a few per cent a product, and several of them
    assert not torch.equal(found, expected)
    left = {name for name, weight in network.state_dict().items() if weight.numel()}
    assert not any("proj.weight" in name or "lm_head" in name for name in left), left
    assert "model.embed_tokens.weight" in left
