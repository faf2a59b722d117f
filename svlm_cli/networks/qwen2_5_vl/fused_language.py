"""The language model for streaming: the network's own weights, with fewer and larger operations.

Queries, keys and values come from one matrix product, and so do the gate and up projections; `ops.py` does the rest.
Tested against the network itself, which training uses. Knows no cache and no stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svlm_cli.compute.fp8 import Fp8Weight, quantise
from svlm_cli.compute.ops import add_rms_norm, gated_linear, linear
from svlm_cli.networks.attend import PackedAttend
from svlm_cli.networks.network import DeepFeatures
from svlm_cli.networks.qwen2_5_vl.language import LanguageModel

Weight = Tensor | Fp8Weight


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of one layer. The network's parameters are views of them."""

    input_norm: Tensor
    qkv: Weight
    qkv_bias: Tensor
    output: Weight
    post_norm: Tensor
    gate_up: Weight
    down: Weight


class QwenFusedLanguage:
    """`LanguageModel.forward` for packed tokens, on the weights of a network that is no longer trained."""

    def __init__(self, language: LanguageModel, *, fp8: bool = False) -> None:
        """Place weights that are used together side by side; the network still works, on the same memory.

        With `fp8` they are rounded and the network's own are freed: after that it can only embed.
        """
        self._layers = [_layer(module, fp8=fp8) for module in language.model.layers]
        self._norm, self._eps = language.model.norm.weight, language.model.norm.eps
        head = language.model.embed_tokens if language.lm_head is None else language.lm_head
        self._head: Weight = quantise(head.weight) if fp8 else head.weight
        if fp8 and language.lm_head is not None:
            _give_up(language.lm_head.weight)

    def logits(self, hidden: Tensor, /) -> Tensor:
        """``[N, D]`` after the final norm -> ``[N, V]``."""
        return linear(hidden, self._head)

    def __call__(self, hidden: Tensor, attend: PackedAttend, deep: DeepFeatures | None = None, /) -> Tensor:
        """``[N, D]``, which is overwritten, -> ``[N, D]`` after the final norm."""
        assert deep is None, "this family's features have one layer"
        branch: Tensor | None = None
        for index, layer in enumerate(self._layers):
            normed = add_rms_norm(branch, hidden, layer.input_norm, self._eps)
            heads = attend(index, linear(normed, layer.qkv, layer.qkv_bias))
            branch = linear(heads.flatten(1), layer.output)
            normed = add_rms_norm(branch, hidden, layer.post_norm, self._eps)
            branch = linear(gated_linear(normed, layer.gate_up), layer.down)
        return add_rms_norm(branch, hidden, self._norm, self._eps)


@torch.no_grad()
def _layer(module: Any, *, fp8: bool) -> _Layer:  # torch types submodules loosely
    attention, mlp = module.self_attn, module.mlp
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    weights: list[list[Tensor]] = [
        [one.weight for one in projections],
        [attention.o_proj.weight],
        [mlp.gate_proj.weight, mlp.up_proj.weight],
        [mlp.down_proj.weight],
    ]
    qkv, output, gate_up, down = (_rounded(parts) if fp8 else _joined(parts) for parts in weights)
    return _Layer(
        input_norm=module.input_layernorm.weight,
        qkv=qkv,
        qkv_bias=_joined([one.bias for one in projections]),
        output=output,
        post_norm=module.post_attention_layernorm.weight,
        gate_up=gate_up,
        down=down,
    )


def _rounded(parameters: Sequence[Tensor]) -> Fp8Weight:
    """The parameters stacked row-wise in fp8; the originals are freed."""
    weight = quantise(torch.cat([parameter.data for parameter in parameters]))
    for parameter in parameters:
        _give_up(parameter)
    return weight


def _give_up(parameter: Tensor) -> None:
    parameter.data = parameter.data.new_empty(0)


def _joined(parameters: Sequence[Tensor]) -> Tensor:
    """The parameters stacked row-wise in one tensor; the originals become views of it."""
    if len(parameters) == 1:
        return parameters[0]
    joined = torch.cat([parameter.data for parameter in parameters])
    start = 0
    for parameter in parameters:
        parameter.data = joined[start : start + len(parameter)]
        start += len(parameter)
    return joined
