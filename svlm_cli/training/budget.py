"""What learning costs: the memory that a GPU needs, and the work of a pass. Nothing is loaded, and no GPU is needed.

Weights, gradients and moments are counted. What the forward pass keeps for the backward pass, and how much both
compute, is found by running them on tensors without data: whatever the networks come to do, this follows. Knows no
data and no loop.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from svlm_cli.networks.family import Grid
from svlm_cli.training.collate import TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.network import LearningNetwork

_META: Final = torch.device("meta")
_HALF: Final = torch.bfloat16
_MOMENTS: Final = 2  # of AdamW, for each weight
_RUNTIME_BYTES: Final = 1.0e9  # CUDA's own, its libraries' workspaces, and what lies between the tensors
_CAST = frozenset({F.linear, F.conv3d, F.scaled_dot_product_attention, torch.matmul, torch.bmm})
"""What autocast computes in bfloat16."""


@dataclass(frozen=True, slots=True)
class PassShape:
    """One forward pass: its tokens, of which some are learned, and its pictures."""

    tokens: TokenBatch
    grids: tuple[Grid, ...]  # in patches
    patch_size: int  # numbers of a patch


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes on one GPU."""

    learned: float  # weights that are learned
    frozen: float  # and those that are not
    gradients: float
    moments: float
    activations: float  # kept for the backward pass, copies of the weights in bfloat16 included
    passing: float  # the logits, their gradients, and the largest gradient that comes and goes
    runtime: float = _RUNTIME_BYTES

    @property
    def total(self) -> float:
        """At the peak, which is where the backward pass begins."""
        return (
            self.learned + self.frozen + self.gradients + self.moments + self.activations + self.passing + self.runtime
        )


def budget_of(network: LearningNetwork, shape: PassShape, *, bf16: bool) -> Budget:
    """Of a network on the meta device, what is frozen being so already."""
    learned = _bytes(weight for weight in network.parameters() if weight.requires_grad)
    frozen = _bytes(weight for weight in network.parameters() if not weight.requires_grad)
    vocabulary = network.network.embed(torch.empty(0, dtype=torch.long, device=_META))
    entries = network.network.logits(vocabulary).shape[-1]
    logits = len(shape.tokens.targets) * entries * torch.float32.itemsize
    kept = kept_bytes(network, shape, bf16=bf16)
    return Budget(learned, frozen, learned, learned * _MOMENTS, kept, passing=2 * logits)


def kept_bytes(network: LearningNetwork, shape: PassShape, *, bf16: bool) -> int:
    """What a forward pass keeps for its backward pass, the weights themselves left out."""
    own = {id(storage): storage for storage in map(Tensor.untyped_storage, network.parameters())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own:
            kept[id(storage)] = storage
        return tensor

    with _Dry(half=bf16), saved_tensors_hooks(keep, lambda tensor: tensor):
        network(_empty_batch(shape))
    return sum(storage.nbytes() for storage in kept.values())


def model_flops(network: LearningNetwork, shape: PassShape) -> float:
    """Floating-point operations of a forward and a backward pass, a multiplication and an addition being two.

    All matrix products are counted, those of frozen weights as often as they are needed, and attention as far as it
    is causal. What is computed again to save memory is not: it is no work of the model.
    """
    with FlopCounterMode(display=False) as counter, _Dry(half=False) as dry:
        network(_empty_batch(shape))["loss"].backward()
    network.zero_grad()
    return float(counter.get_total_flops() + dry.attention_flops)


def _empty_batch(shape: PassShape) -> DeviceBatch:
    patches = torch.empty(sum(map(math.prod, shape.grids)), shape.patch_size, device=_META)
    return DeviceBatch(shape.tokens.to(_META), patches, shape.grids, 1.0, shape.tokens.bounds[-1])


def _bytes(weights: Iterable[Tensor]) -> int:
    return sum(weight.numel() * weight.itemsize for weight in weights)


class _Dry(TorchFunctionMode):
    """On tensors without data: what autocast computes in bfloat16, and attention by a kernel that saves memory."""

    def __init__(self, *, half: bool) -> None:
        super().__init__()
        self._half = half
        self.attention_flops = 0.0

    def __torch_function__(
        self, function: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self._half and function in _CAST:
            args = tuple(_halved(one) for one in args)
        if function is not F.scaled_dot_product_attention:
            return function(*args, **(kwargs or {}))
        query, keys, values = args[:3]
        passes = 3 if any(one.requires_grad for one in (query, keys, values)) else 1  # the way back is twice as much
        seen = 0.5 if (kwargs or {}).get("is_causal") else 1.0
        self.attention_flops += 4 * passes * seen * query.numel() * keys.shape[-2]
        return _Attention.apply(query, keys, values)  # type: ignore[no-untyped-call]


def _halved(value: Any) -> Any:
    return value.to(_HALF) if isinstance(value, Tensor) and value.dtype == torch.float32 else value


class _Attention(torch.autograd.Function):
    """What a kernel that never makes the scores keeps: its inputs, its output, and a number a row. Shapes alone."""

    @staticmethod
    def forward(context: Any, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """As large as the query."""
        output = torch.empty_like(query)
        context.save_for_backward(query, keys, values, output, query.new_empty(query.shape[:-1], dtype=torch.float32))
        return output

    @staticmethod
    def backward(context: Any, _gradient: Tensor) -> tuple[Tensor, ...]:
        """One for each input."""
        return tuple(map(torch.empty_like, context.saved_tensors[:3]))
