"""Shards weights, gradients and moments over all ranks with FSDP2, for transformers' Trainer to step, save and load.

Trained weights are sharded in float32, frozen ones in their own format; layers are unsharded on demand, in bfloat16 if
wanted, and gradients are reduced in float32. Knows no data.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from svlm_cli.networks.layers import CheckpointingLayer
from svlm_cli.networks.network import Network
from svlm_cli.training.network import LearningNetwork

SHARDING_ARGUMENTS: Final[dict[str, Any]] = {
    "fsdp": True,
    "fsdp_config": {"version": 2, "state_dict_type": "SHARDED_STATE_DICT"},
    "accelerator_config": {"gradient_accumulation_kwargs": {"sync_each_batch": True}},
}
"""For the Trainer. Gradients are reduced after each pass, or ranks would keep full ones until the last."""

_ROUNDED: Final = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
_AS_KEPT: Final = MixedPrecisionPolicy(cast_forward_inputs=False)


def expect_shards(accelerator: Accelerator, plugin_arguments: dict[str, Any]) -> None:
    """Use FSDP on CPUs too, where accelerate would not by itself."""
    state = accelerator.state
    if accelerator.device.type == "cpu":
        state.fsdp_plugin = FullyShardedDataParallelPlugin(**plugin_arguments)
        state.distributed_type = DistributedType.FSDP


def share_out(
    network: LearningNetwork, device: torch.device, *, bf16: bool, from_first: bool, whole: Iterable[nn.Module] = ()
) -> None:
    """Move a network to `device` and shard it, unit by unit.

    With `bf16`, layers are unsharded in bfloat16, and gradients reduced in float32. Weights outside the layers are
    unsharded in their own format, because the gradients of word embeddings are sums whose terms would be rounded. With
    `from_first`, the first rank's weights are sent to the others. The modules in `whole` are replicated: FSDP2 would
    lose the quantisation state of four-bit weights.
    """
    for module in whole:
        module.to(device)
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    shared = {weight for module in whole for weight in module.parameters()}
    ignored = set(shared)
    for unit in (*network.network.blocks(), *separate_embeddings(network.network), network):
        own = [weight for weight in unit.parameters() if weight not in shared]
        if from_first:
            _give(own, device)
        policy = _ROUNDED if bf16 and isinstance(unit, CheckpointingLayer) else _AS_KEPT
        fully_shard(unit, mesh=mesh, mp_policy=policy, ignored_params=ignored)
        shared.update(unit.parameters())


def separate_embeddings(network: Network) -> Sequence[nn.Embedding]:
    """Input embeddings that are not tied to the output layer: between their two uses they can be resharded."""
    first, *others = network.word_embeddings()
    embeddings = (module for module in network.modules() if isinstance(module, nn.Embedding))
    return [module for module in embeddings if others and module.weight is first]


def _give(weights: Iterable[nn.Parameter], device: torch.device) -> None:
    for weight in weights:
        weight.data = weight.data.to(device)
        dist.broadcast(weight.data, src=0)


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """All weights on the CPU, by name. If they are sharded, all ranks must call it, and the first gets them."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return {name: torch.as_tensor(weight) for name, weight in get_model_state_dict(module, options=options).items()}
