"""The cost of training: GPU memory and the work of a pass. Loads nothing, and needs no GPU.

Weights, gradients and moments are counted, and divided among ranks. Activation memory and FLOPs are found by running
the network on the meta device, so they follow any change to the networks. Knows no data and no loop.
"""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from svlm_cli.networks.family import Grid
from svlm_cli.networks.network import Network
from svlm_cli.training.adapter import rounded_layers, set_learned
from svlm_cli.training.collate import TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.loss import rows_at_once
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.parts import Quantisation
from svlm_cli.training.recipe import OptimizerMoments, Recipe
from svlm_cli.training.sharding import separate_embeddings
from svlm_cli.training.share import Share

_META: Final = torch.device("meta")
_HALF: Final = torch.bfloat16
_MOMENTS: Final = 2  # per weight, of AdamW
_LEAST_ROUNDED: Final = 4096  # of bitsandbytes' AdamW8bit: smaller tensors keep 32-bit moments
_ROUNDED_TOGETHER: Final = 256  # moments per float32 scale
_FOUR_BITS_BYTES: Final = 1 / 2 + 1 / 64 + 4 / (64 * 256)  # NF4: a scale per 64 weights, and one per 256 scales
_RUNTIME_BYTES: Final = 1.0e9  # the CUDA context, library workspaces, and fragmentation
_CAST = frozenset({F.linear, F.conv3d, F.scaled_dot_product_attention, torch.matmul, torch.bmm})
"""Functions that autocast runs in bfloat16."""


@dataclass(frozen=True, slots=True)
class PassShape:
    """One forward pass: its tokens, some of which are trained on, and its pictures."""

    tokens: TokenBatch
    grids: tuple[Grid, ...]  # in patches
    patch_size: int  # numbers per patch


@dataclass(frozen=True, slots=True)
class Spread:
    """How a run stores and distributes trained weights."""

    bf16: bool = True
    moments: OptimizerMoments = OptimizerMoments.FLOAT32
    ranks: int = 1  # processes
    passes: int = 1  # per rank and step
    four_bits: tuple[nn.Linear, ...] = ()  # layers that are quantised before the first step
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes on one GPU."""

    learned: float  # trained weights
    frozen: float  # frozen weights
    gradients: float
    moments: float
    activations: float = 0.0  # kept for the backward pass, with bfloat16 copies of weights
    passing: float = 0.0  # logits with their gradients, or the activations of a recomputed layer
    gathered: float = 0.0  # several ranks: weights that are temporarily unsharded, with their gradients
    runtime: float = _RUNTIME_BYTES

    @property
    def total(self) -> float:
        """The total."""
        return math.fsum(getattr(self, one.name) for one in fields(self))


def as_learned(network: Network, recipe: Recipe, ranks: int = 1) -> tuple[LearningNetwork, Spread]:
    """A network on the meta device, set up for training by `ranks` ranks."""
    adapter, optimisation, four_bits = recipe.adapter, recipe.optimisation, tuple[nn.Linear, ...]()
    if adapter.quantize is Quantisation.NF4:  # passes use dequantised weights, so count them as such
        four_bits = tuple(rounded_layers(network, adapter).values())
        recipe = replace(recipe, adapter=replace(adapter, quantize=Quantisation.NONE))
    set_learned(network, recipe)
    learning = LearningNetwork(network, recipe.base_stage.cell_loss)
    if optimisation.checkpointing:
        learning.checkpoint_layers()
    passes = len(Share.of(optimisation, ranks=ranks).passes)
    compiled = optimisation.compile and not optimisation.checkpointing
    return learning, Spread(optimisation.bf16, optimisation.moments, ranks, passes, four_bits, compiled)


def standing_of(network: LearningNetwork, spread: Spread) -> Budget:
    """The memory between passes, for a network on the meta device as `as_learned` returns it."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    learned = _bytes(weights) / spread.ranks
    moments = sum(_moment_bytes(weight, spread.moments) for weight in weights) / spread.ranks
    return Budget(learned, _frozen_bytes(network, spread), learned, moments)


def budget_of(network: LearningNetwork, shape: PassShape, spread: Spread) -> Budget:
    """The peak of a step: at the start of a backward pass, or once all gradients exist.

    There are no gradients yet at the start of the first backward pass of a step.
    """
    with _as_computed(network, spread):
        kept = kept_bytes(network, shape, bf16=spread.bf16, compiled=spread.compiled)
        passing = max(_logit_bytes(network, shape), _again_bytes(network, shape, kept, bf16=spread.bf16))
        gathered = 0 if spread.ranks == 1 else _gathered_bytes(network, spread)
    standing = standing_of(network, spread)
    begun = replace(standing, activations=kept, passing=passing, gathered=gathered)
    if spread.passes == 1:
        begun = replace(begun, gradients=0.0)
    return max(begun, standing, key=lambda one: one.total)


def kept_bytes(network: LearningNetwork, shape: PassShape, *, bf16: bool, compiled: bool = False) -> int:
    """What a forward pass keeps for the backward pass, without the weights themselves.

    A compiled layer keeps inputs and outputs of matrix products and recomputes the rest from them.
    """
    own = {id(storage) for storage in map(Tensor.untyped_storage, network.parameters())}
    kept: dict[int, torch.UntypedStorage] = {}
    again: dict[int, torch.UntypedStorage] = {}
    layers = _Layers(network)

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own:
            (again if compiled and layers.inside else kept)[id(storage)] = storage
        return tensor

    with layers, _Dry(half=bf16) as dry, saved_tensors_hooks(keep, lambda tensor: tensor):
        network(_empty_batch(shape))
    products = layers.inputs | dry.products
    kept |= {key: storage for key, storage in again.items() if key in products}
    return sum(storage.nbytes() for storage in kept.values())


def model_flops(network: LearningNetwork, shape: PassShape) -> float:
    """FLOPs of a forward and a backward pass, counting a multiply-add as two.

    Includes all matrix products, those of frozen weights as often as they are needed, and attention as far as it is
    causal. Recomputation to save memory is not included.
    """
    return flops_of(network, lambda: network(_empty_batch(shape))["loss"]).total


def forward_flops(network: LearningNetwork, shape: PassShape) -> float:
    """The same for a forward pass without gradients."""
    with torch.no_grad():
        return flops_of(network, lambda: network(_empty_batch(shape))["loss"]).total


@dataclass(frozen=True, slots=True)
class Flops:
    """FLOPs, counted as by `model_flops`."""

    products: float  # matrix products outside attention
    attention: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.products + self.attention


def flops_of(network: LearningNetwork, part: Callable[[], Tensor]) -> Flops:
    """The FLOPs of computing `part` and its gradients with the network, which is on the meta device."""
    with _once(network), FlopCounterMode(display=False) as counter, _Dry(half=False) as dry:
        made = part()
        if made.requires_grad:
            torch.autograd.backward(made, torch.empty_like(made))
    network.zero_grad()
    return Flops(float(counter.get_total_flops()), dry.attention_flops)


def attention_flops(part: Callable[[], Tensor]) -> float:
    """Only those of attention, which follow from the forward pass alone: much faster."""
    with _Dry(half=False) as dry:
        part()
    return float(dry.attention_flops)


def _frozen_bytes(network: LearningNetwork, spread: Spread) -> float:
    """Four-bit weights are not sharded."""
    rounded = {id(layer.weight): layer.weight.numel() for layer in spread.four_bits}
    frozen = [one for one in network.parameters() if not one.requires_grad and id(one) not in rounded]
    return _bytes(frozen) / spread.ranks + sum(rounded.values()) * _FOUR_BITS_BYTES


def _moment_bytes(weight: Tensor, moments: OptimizerMoments) -> float:
    if moments is OptimizerMoments.FLOAT32 or weight.numel() < _LEAST_ROUNDED:
        return weight.numel() * _MOMENTS * torch.float32.itemsize
    return weight.numel() * _MOMENTS * (1 + torch.float32.itemsize / _ROUNDED_TOGETHER)


def _logit_bytes(network: LearningNetwork, shape: PassShape) -> int:
    """Logits in memory at once, beyond what is kept: with chunked logits, a chunk keeps nothing."""
    rows, entries = len(shape.tokens.targets), network.network.family.language.vocab_size
    most = rows_at_once(entries, network.most_logits)
    return (2 * rows if rows <= most else 3 * most) * entries * torch.float32.itemsize


def _again_bytes(network: LearningNetwork, shape: PassShape, kept: int, *, bf16: bool) -> int:
    """The most that a layer keeps while it is recomputed; tries one layer of each kind."""
    kinds = {type(layer): layer for layer in network.network.blocks() if layer.checkpointing}
    most = 0
    for layer in kinds.values():
        layer.checkpointing = False
        most = max(most, kept_bytes(network, shape, bf16=bf16) - kept)
        layer.checkpointing = True
    return most


def _gathered_bytes(network: LearningNetwork, spread: Spread) -> int:
    """Root weights throughout, plus two layers, one of them prefetched, plus gradients of trained weights."""
    elsewhere = [layer.weight for layer in spread.four_bits]
    elsewhere += [embedding.weight for embedding in separate_embeddings(network.network)]
    inside = {id(weight) for weight in elsewhere}
    layers = [[one for one in layer.parameters() if id(one) not in inside] for layer in network.network.blocks()]
    inside |= {id(weight) for layer in layers for weight in layer}
    root = [weight for weight in network.parameters() if id(weight) not in inside]
    largest = max(layers, key=_bytes)
    learned = [weight for weight in (*root, *largest) if weight.requires_grad]
    return _bytes(root) + 2 * _bytes(largest) + _bytes(learned)


@contextmanager
def _as_computed(network: LearningNetwork, spread: Spread) -> Iterator[None]:
    """With several ranks, layers are unsharded in bfloat16 on demand, so no copies of them are kept."""
    before = [(weight, weight.data) for layer in network.network.blocks() for weight in layer.parameters()]
    if spread.ranks > 1 and spread.bf16:
        for weight, data in before:
            weight.data = data.to(_HALF)
    try:
        yield
    finally:
        for weight, data in before:
            weight.data = data


@contextmanager
def _once(network: LearningNetwork) -> Iterator[None]:
    """Turn off recomputation."""
    before = [(layer, layer.checkpointing) for layer in network.network.blocks()]
    most_logits = network.most_logits
    network.most_logits = sys.maxsize
    for layer, _ in before:
        layer.checkpointing = False
    try:
        yield
    finally:
        network.most_logits = most_logits
        for layer, checkpointing in before:
            layer.checkpointing = checkpointing


def _empty_batch(shape: PassShape) -> DeviceBatch:
    patches = torch.empty(sum(map(math.prod, shape.grids)), shape.patch_size, device=_META)
    return DeviceBatch(shape.tokens.to(_META), patches, shape.grids, 1.0, shape.tokens.bounds[-1])


def _bytes(weights: Iterable[Tensor]) -> int:
    return sum(weight.numel() * weight.itemsize for weight in weights)


class _Layers:
    """Tracks when a forward pass is inside a layer, and the inputs of layers."""

    def __init__(self, network: LearningNetwork) -> None:
        self._network = network
        self._hooks: list[RemovableHandle] = []
        self.inside = False
        self.inputs: dict[int, torch.UntypedStorage] = {}  # by id

    def __enter__(self) -> Self:
        for layer in self._network.network.blocks():
            self._hooks.append(layer.register_forward_pre_hook(self._enter))
            self._hooks.append(layer.register_forward_hook(self._leave))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _enter(self, _layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        self.inside = True
        self.inputs |= _storages(inputs)

    def _leave(self, *_: object) -> None:
        self.inside = False


def _storages(values: Iterable[Any]) -> dict[int, torch.UntypedStorage]:
    found = (value.untyped_storage() for value in values if isinstance(value, Tensor))
    return {id(storage): storage for storage in found}


class _Dry(TorchFunctionMode):
    """Runs on the meta device as on a GPU: autocast to bfloat16, and memory-efficient attention."""

    def __init__(self, *, half: bool) -> None:
        super().__init__()
        self._half = half
        self.attention_flops = 0.0
        self.products: dict[int, torch.UntypedStorage] = {}  # inputs and outputs of matrix products, by id

    def __torch_function__(
        self, function: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self._half and function in _CAST:
            args = tuple(_halved(one) for one in args)
        if function is not F.scaled_dot_product_attention:
            made = function(*args, **(kwargs or {}))
            if function in _CAST:
                self.products |= _storages((*args, made))
            return made
        query, keys, values = args[:3]
        passes = 3 if any(one.requires_grad for one in (query, keys, values)) else 1  # backward costs twice as much
        seen = 0.5 if (kwargs or {}).get("is_causal") else 1.0
        self.attention_flops += 4 * passes * seen * query.numel() * keys.shape[-2]
        attended = _Attention.apply(query, keys, values)  # type: ignore[no-untyped-call]
        self.products |= _storages((query, keys, values, attended))
        return attended


def _halved(value: Any) -> Any:
    return value.to(_HALF) if isinstance(value, Tensor) and value.dtype == torch.float32 else value


class _Attention(torch.autograd.Function):
    """Keeps what a flash attention kernel keeps: inputs, output, and one number per row. Shapes only."""

    @staticmethod
    def forward(context: Any, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """The output is shaped like the query."""
        output = torch.empty_like(query)
        context.save_for_backward(query, keys, values, output, query.new_empty(query.shape[:-1], dtype=torch.float32))
        return output

    @staticmethod
    def backward(context: Any, _gradient: Tensor) -> tuple[Tensor, ...]:
        """One gradient per input."""
        return tuple(map(torch.empty_like, context.saved_tensors[:3]))
