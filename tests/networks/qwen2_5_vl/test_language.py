"""Positions, and the seam between the language model and its caller's attention."""

import pytest
import torch
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRotaryEmbedding, apply_rotary_pos_emb

from svlm_cli.compute.rotary import Rotary, rotate
from svlm_cli.networks.qwen2_5_vl.config import TextConfig
from svlm_cli.networks.qwen2_5_vl.language import LanguageModel
from tests.networks.qwen2_5_vl.conftest import Pair


def _rotary(config: TextConfig) -> Rotary:
    return Rotary.of_sections(config.head_dim, config.rope_theta, config.mrope_section)


def uniform_attention(_layer: int, query: torch.Tensor, _key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Every token takes its own value: the least that an `Attend` can do."""
    return value.repeat_interleave(query.shape[-2] // value.shape[-2], dim=-2)


def test_rotation_equals_that_of_transformers(pair: Pair) -> None:
    """Sections of t, h and w in the wrong order, channels paired wrongly, fractions of t cut off."""
    ours, reference = pair
    positions = torch.rand(2, 7, 3) * torch.tensor([100.0, 50.0, 20.0])
    query, key = torch.randn(2, 7, 4, 16), torch.randn(2, 7, 2, 16)
    embedding = Qwen2_5_VLRotaryEmbedding(reference.config.text_config)
    cos, sin = embedding(query, positions.permute(2, 0, 1))
    expected = apply_rotary_pos_emb(query, key, cos, sin, unsqueeze_dim=2)
    angles = ours.language.rotary.angles(positions)
    for x, wanted in zip((query, key), expected, strict=True):
        torch.testing.assert_close(rotate(x, *angles), wanted, atol=1e-6, rtol=0)


def test_half_a_step_of_time_turns_half_as_far(pair: Pair) -> None:
    """Temporal positions of 8 frames a second rounded to whole numbers."""
    config: TextConfig = pair[0].config.text
    half, whole = (_rotary(config).angles(torch.tensor([t, 0.0, 0.0])) for t in (0.5, 1.0))
    cos, sin = half
    torch.testing.assert_close(cos**2 - sin**2, whole[0])
    backwards, forwards = sin.squeeze(0).chunk(2)  # of the first and the second channel of each pair
    pairs_of_t = config.mrope_section[0]
    assert (forwards[:pairs_of_t] > 0).all()
    assert (forwards[pairs_of_t:] == 0).all()
    assert torch.equal(backwards, -forwards)


def test_casting_a_network_leaves_its_frequencies_alone(pair: Pair) -> None:
    """bfloat16 frequencies: angles off by whole turns after some thousand tokens."""
    config = pair[0].config.text
    positions = torch.full((1, 3), 30_000.0)
    model = LanguageModel(config, tied=False).to(torch.bfloat16)
    assert model.rotary.angles(positions)[0].dtype == torch.float32
    torch.testing.assert_close(model.rotary.angles(positions)[0], _rotary(config).angles(positions)[0], atol=0, rtol=0)


def test_attention_receives_unrotated_projections_of_every_layer(pair: Pair) -> None:
    """Rotated keys in the cache, which cannot be moved without error."""
    language = pair[0].language
    hidden = torch.randn(5, pair[0].config.text.hidden_size)
    seen = {}

    def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        seen[layer] = (query, key, value)
        return uniform_attention(layer, query, key, value)

    with torch.no_grad():
        language(hidden, attend)
        first = pair[1].model.language_model.layers[0]
        normed = first.input_layernorm(hidden)
        expected = [projection(normed) for projection in (first.self_attn.q_proj, first.self_attn.k_proj)]
    assert sorted(seen) == [0, 1]
    assert [tuple(x.shape) for x in seen[1]] == [(5, 4, 16), (5, 2, 16), (5, 2, 16)]
    for x, wanted in zip(seen[0], expected, strict=False):
        torch.testing.assert_close(x.flatten(-2), wanted, atol=1e-6, rtol=0)


def test_leading_axes_are_free(pair: Pair) -> None:
    """Streams packed as [N, D] and windows padded as [B, S, D] through the same layers."""
    language = pair[0].language
    ids = torch.arange(12).view(3, 4)
    with torch.no_grad():
        batch = language.logits(language(language.embed(ids), uniform_attention))
        packed = language.logits(language(language.embed(ids.flatten()), uniform_attention))
    torch.testing.assert_close(batch.flatten(0, 1), packed, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tied", [False, True])
def test_a_tied_head_is_the_embedding(pair: Pair, tied: bool) -> None:
    """A head that is trained or stored twice."""
    model = LanguageModel(pair[0].config.text, tied=tied)
    hidden = torch.randn(2, pair[0].config.text.hidden_size)
    assert ("lm_head.weight" in model.state_dict()) is not tied
    assert torch.equal(model.logits(hidden), hidden @ model.model.embed_tokens.weight.T) is tied
