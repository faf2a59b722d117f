"""The language model.

The network knows no cache, no mask and no positions: each layer passes unrotated queries, keys and values to the
caller's ``attend``. Streaming caches keys before rotating them; training rotates and attends over a whole window.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svlm_cli.compute.rotary import Rotary
from svlm_cli.networks.attend import Attend
from svlm_cli.networks.layers import CheckpointingLayer, FeedForward, RMSNorm
from svlm_cli.networks.qwen2_5_vl.config import TextConfig


class LanguageModel(nn.Module):
    """Decoder-only transformer with grouped-query attention. Its state dict has the published names."""

    def __init__(self, config: TextConfig, *, tied: bool) -> None:
        super().__init__()
        self.rotary = Rotary.of_sections(config.head_dim, config.rope_theta, config.mrope_section)
        self.model = _Decoder(config)
        self.lm_head = None if tied else nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def embed(self, ids: Tensor) -> Tensor:
        """``[...]`` ids -> ``[..., D]``."""
        embedded: Tensor = self.model.embed_tokens(ids)
        return embedded

    def forward(self, hidden: Tensor, attend: Attend) -> Tensor:
        """``[..., D]`` -> ``[..., D]``, after the final norm. Packed ``[N, D]`` or padded ``[B, S, D]``."""
        for index, layer in enumerate(self.model.layers):
            hidden = layer(hidden, index, attend)
        normed: Tensor = self.model.norm(hidden)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """``[..., D]`` after the final norm -> ``[..., V]``."""
        head = self.model.embed_tokens if self.lm_head is None else self.lm_head
        return F.linear(hidden, head.weight)


class _Decoder(nn.Module):
    """Holds parameters under the published prefix ``model.``."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.embed_tokens = _Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class _Embedding(nn.Module):
    """One row per id. On the meta device it is not initialised, which would import torch's compiler (slow)."""

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, size))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight)


class _Layer(CheckpointingLayer):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = _Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config.hidden_size, config.intermediate_size, bias=False)

    def forward(self, hidden: Tensor, index: int, attend: Attend) -> Tensor:
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), index, attend)
        output: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return output


class _Attention(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        key_size = config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.k_proj = nn.Linear(config.hidden_size, key_size)
        self.v_proj = nn.Linear(config.hidden_size, key_size)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor, index: int, attend: Attend) -> Tensor:
        heads = (*hidden.shape[:-1], -1, self.head_dim)
        query, key, value = (project(hidden).view(heads) for project in (self.q_proj, self.k_proj, self.v_proj))
        output: Tensor = self.o_proj(attend(index, query, key, value).flatten(-2))
        return output
