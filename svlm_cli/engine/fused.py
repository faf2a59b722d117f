"""The language model as streaming runs it: the network's own weights, with fewer and larger operations.

Queries, keys and values come out of one matrix product, and so do both halves of the feed-forward; what lies between
is `ops.py`. Held against the network itself, which training uses. Knows no cache and no stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.engine.ops import add_rms_norm, silu_mul
from svlm_cli.engine.qwen2_5_vl.language import LanguageModel


class PackedAttend(Protocol):
    """Where attention happens, as in the network's own `Attend`, for what comes out of one matrix product."""

    def __call__(self, layer: int, qkv: Tensor, /) -> Tensor:
        """``[N, (H + 2 K) D]``: queries, keys and values, none rotated -> ``[N, H, D]``."""
        ...


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of one layer. The network's parameters are views of them."""

    input_norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    output: Tensor
    post_norm: Tensor
    gate_up: Tensor
    down: Tensor


class FusedLanguage:
    """`LanguageModel.forward` for packed tokens, on the weights of a network that is no longer trained."""

    def __init__(self, language: LanguageModel) -> None:
        """Puts weights that are used together next to each other; the network goes on working, on the same memory."""
        self._layers = [_layer(module) for module in language.model.layers]
        self._norm, self._eps = language.model.norm.weight, language.model.norm.eps

    def __call__(self, hidden: Tensor, attend: PackedAttend) -> Tensor:
        """``[N, D]``, which is written over, -> ``[N, D]`` after the final norm."""
        branch: Tensor | None = None
        for index, layer in enumerate(self._layers):
            normed = add_rms_norm(branch, hidden, layer.input_norm, self._eps)
            heads = attend(index, F.linear(normed, layer.qkv, layer.qkv_bias))
            branch = F.linear(heads.flatten(1), layer.output)
            normed = add_rms_norm(branch, hidden, layer.post_norm, self._eps)
            branch = F.linear(silu_mul(F.linear(normed, layer.gate_up)), layer.down)
        return add_rms_norm(branch, hidden, self._norm, self._eps)


@torch.no_grad()
def _layer(module: Any) -> _Layer:  # torch types the parts of a module loosely
    attention, mlp = module.self_attn, module.mlp
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    return _Layer(
        input_norm=module.input_layernorm.weight,
        qkv=_joined([one.weight for one in projections]),
        qkv_bias=_joined([one.bias for one in projections]),
        output=attention.o_proj.weight,
        post_norm=module.post_attention_layernorm.weight,
        gate_up=_joined([mlp.gate_proj.weight, mlp.up_proj.weight]),
        down=mlp.down_proj.weight,
    )


def _joined(parameters: Sequence[Tensor]) -> Tensor:
    """All of them one below the other, in one tensor of which each is a view from now on."""
    joined = torch.cat([parameter.data for parameter in parameters])
    start = 0
    for parameter in parameters:
        parameter.data = joined[start : start + len(parameter)]
        start += len(parameter)
    return joined
