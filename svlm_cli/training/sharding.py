"""Weights, gradients and moments shared out over all ranks by FSDP2, for transformers' Trainer to step, save and load.

Weights that are learned stay float32 in shards, frozen ones keep their format beside them; what a layer computes with
is gathered when it comes to it, in bfloat16 if wanted, and gradients are added up in float32. Knows no data.
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
"""For the Trainer. Each pass adds up at once, or ranks would keep whole gradients until the last one."""

_ROUNDED: Final = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
_AS_KEPT: Final = MixedPrecisionPolicy(cast_forward_inputs=False)


def expect_shards(accelerator: Accelerator, plugin_arguments: dict[str, Any]) -> None:
    """On CPUs too, where accelerate by itself would expect whole networks."""
    state = accelerator.state
    if accelerator.device.type == "cpu":
        state.fsdp_plugin = FullyShardedDataParallelPlugin(**plugin_arguments)
        state.distributed_type = DistributedType.FSDP


def share_out(
    network: LearningNetwork, device: torch.device, *, bf16: bool, from_first: bool, whole: Iterable[nn.Module] = ()
) -> None:
    """Brings a network to `device`, unit by unit, of which each rank then has a share.

    With `bf16`, layers are gathered in bfloat16, and gradients are added up in float32. What is outside the layers is
    gathered as it is kept: the gradients of word embeddings are sums, whose parts would be rounded. With `from_first`,
    the first rank gives the others its weights. Those of `whole` are on every rank: FSDP2 would lose how weights in
    four bits were rounded.
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
    """The word embeddings at the input, where those at the output are others: between them they are not needed."""
    first, *others = network.word_embeddings()
    embeddings = (module for module in network.modules() if isinstance(module, nn.Embedding))
    return [module for module in embeddings if others and module.weight is first]


def _give(weights: Iterable[nn.Parameter], device: torch.device) -> None:
    for weight in weights:
        weight.data = weight.data.to(device)
        dist.broadcast(weight.data, src=0)


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """On the CPU, by their names. Where they are in shards, all ranks have to call it, and the first one gets them."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return {name: torch.as_tensor(weight) for name, weight in get_model_state_dict(module, options=options).items()}
