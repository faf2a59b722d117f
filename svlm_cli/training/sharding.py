"""Weights, gradients and moments shared out over all ranks: FSDP2, as transformers' Trainer and accelerate set it up.

Weights that are learned stay float32 in shards, frozen ones keep their format beside them; what a layer computes with
is gathered when it comes to it, in bfloat16 if wanted, and gradients are added up in float32. Knows no data.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import MixedPrecisionPolicy

from svlm_cli.networks.network import Network


def sharding_arguments(network: Network, *, from_first: bool) -> dict[str, Any]:
    """What the Trainer has to be told: each layer is gathered by itself, and each forward pass adds up at once.

    Without the latter, ranks would keep whole gradients until the last pass. With `from_first`, the first rank gives
    the others their shards: their own networks are empty.
    """
    layers = sorted({type(layer).__name__ for layer in network.blocks()})
    return {
        "fsdp": True,
        "fsdp_config": {
            "version": 2,
            "transformer_layer_cls_to_wrap": layers,
            "reshard_after_forward": True,
            "state_dict_type": "SHARDED_STATE_DICT",
            "cpu_ram_efficient_loading": from_first,
        },
        "accelerator_config": {"gradient_accumulation_kwargs": {"sync_each_batch": True}},
    }


def shard_as_told(accelerator: Accelerator, plugin_arguments: dict[str, Any], *, bf16: bool) -> None:
    """On CPUs too, where accelerate by itself would keep everything on each rank; and losses stay float32."""
    state = accelerator.state
    if accelerator.device.type == "cpu":
        state.fsdp_plugin = FullyShardedDataParallelPlugin(**plugin_arguments)
        state.distributed_type = DistributedType.FSDP
    state.fsdp_plugin.mixed_precision_policy = (
        MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)
        if bf16
        else MixedPrecisionPolicy()
    )


def keep_whole(accelerator: Accelerator, modules: Sequence[nn.Module]) -> None:
    """Those are not shared out: each rank has all of them, on its device.

    FSDP2 would lose how weights in four bits were rounded; accelerate says so where it finds some.
    """
    warnings.filterwarnings("ignore", message="Found .* non-floating frozen Params4bit", category=UserWarning)
    for module in modules:
        module.to(accelerator.device)
    accelerator.state.fsdp_plugin.ignored_modules = modules


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """On the CPU, by their names. Where they are in shards, all ranks have to call it, and the first one gets them."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return {name: torch.as_tensor(weight) for name, weight in get_model_state_dict(module, options=options).items()}
