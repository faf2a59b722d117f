"""LoRA adapters: added by peft to the frozen weights of a base, and saved in peft's format.

Knows no data and no loop.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from svlm_cli.checkpoints.adapter import ADAPTER_WEIGHTS
from svlm_cli.checkpoints.folder import ADAPTER_CONFIG
from svlm_cli.checkpoints.resolve import Origin, Reference
from svlm_cli.core.errors import UsageError
from svlm_cli.networks.adapter import BASE_KEY, KEY_PREFIX, fingerprint
from svlm_cli.networks.family import Family
from svlm_cli.networks.network import Network
from svlm_cli.networks.weights import first_rows
from svlm_cli.training.network import freeze, weights_of
from svlm_cli.training.parts import AdapterRecipe, NetworkPart, Quantisation, pieces
from svlm_cli.training.recipe import Recipe

_NAME: Final = "default"  # of peft for a single adapter
_LINEAR: Final = frozenset({NetworkPart.TOWER, NetworkPart.MERGER, NetworkPart.LAYERS})


def adapted_layers(network: Network, recipe: AdapterRecipe) -> dict[str, nn.Linear]:
    """The linear layers that get an adapter, by name in the network. `UsageError` for a name that matches none."""
    layers = _linear_layers(network, recipe.parts)
    if not recipe.modules:
        return layers
    found: dict[str, nn.Linear] = {}
    for wanted in recipe.modules:
        ours = {name: one for name, one in layers.items() if _ends(network.family.library_name(name), wanted)}
        if not ours:
            known = sorted({name.rpartition(".")[2] for name in layers})
            raise UsageError(
                f"adapter.modules: no linear layer of {' and '.join(recipe.parts)} is called {wanted!r}.",
                f"There is {', '.join(known)}.",
            )
        found |= ours
    return found


def _linear_layers(network: Network, parts: Iterable[NetworkPart]) -> dict[str, nn.Linear]:
    """The linear layers of these parts, without the output layer, which counts as an embedding."""
    inside = {id(weight) for weight in weights_of(network, pieces(parts) & _LINEAR)}
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and id(module.weight) in inside
    }


def rounded_layers(network: Network, recipe: AdapterRecipe) -> dict[str, nn.Linear]:
    """The linear layers of a base that are quantised to four bits, if any. Call before the adapter is added."""
    return _linear_layers(network, (*recipe.parts, NetworkPart.LAYERS))


def _ends(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith(f".{wanted}")


def set_learned(network: Network, recipe: Recipe) -> None:
    """Freeze what the recipe does not train, and add its adapter, if there is one."""
    if recipe.adapter.used:
        add_adapter(network, recipe)
    else:
        freeze(weights_of(network, recipe.optimisation.frozen), bf16=recipe.optimisation.bf16)


def add_adapter(network: Network, recipe: Recipe) -> None:
    """Freeze the network, which is on the CPU, and add an adapter. Its state dict then holds only the adapter."""
    import peft

    wanted, bf16 = recipe.adapter, recipe.optimisation.bf16
    layers = adapted_layers(network, wanted)
    freeze(network.parameters(), bf16=bf16)
    if wanted.quantize is Quantisation.NF4:
        _quantise(network, rounded_layers(network, wanted), torch.bfloat16 if bf16 else torch.float32)
    config = peft.LoraConfig(
        r=wanted.rank,
        lora_alpha=wanted.scaling_alpha,
        lora_dropout=wanted.dropout,
        target_modules=sorted(layers),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.optimisation.seed)
        peft.inject_adapter_in_model(config, network)
    for _, weight in _learned(network):
        weight.data = weight.data.float()
    network.register_state_dict_post_hook(_keep_learned)  # type: ignore[no-untyped-call]
    network.register_load_state_dict_post_hook(_miss_nothing_else)  # type: ignore[no-untyped-call]


def save_adapter(
    family: Family, learned: Mapping[str, Tensor], recipe: Recipe, folder: Path, base: Reference, base_folder: Path
) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``, with the names of transformers' model.

    `learned` is the state dict of a network with an adapter.
    """
    import peft

    dtype = getattr(torch, recipe.output.weights.value)
    named = [(family.library_name(key.replace(f".{_NAME}.", ".")), weight) for key, weight in learned.items()]
    modules = sorted({key.partition(".lora_")[0] for key, _ in named})
    peft.LoraConfig(
        r=recipe.adapter.rank,
        lora_alpha=recipe.adapter.scaling_alpha,
        lora_dropout=recipe.adapter.dropout,
        target_modules=modules,
        base_model_name_or_path=_found_again(base),
        revision=base.revision if base.hub_id else None,
        inference_mode=True,
        task_type="CAUSAL_LM",
    ).save_pretrained(str(folder))
    weights = {f"{KEY_PREFIX}{key}": weight.detach().to("cpu", dtype).contiguous() for key, weight in named}
    rows = first_rows(base_folder, family, {family.published_name(f"{module}.weight") for module in modules})
    save_file(weights, folder / ADAPTER_WEIGHTS, metadata={"format": "pt", BASE_KEY: fingerprint(rows)})
    shutil.copymode(folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS)  # safetensors lets only the owner read


def _learned(network: Network) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, weight) for name, weight in network.named_parameters() if weight.requires_grad)


def _miss_nothing_else(network: Any, keys: Any) -> None:
    """Do not report frozen weights as missing from such a state dict, under whatever prefix it is loaded."""
    learned = tuple(name for name, _ in _learned(network))
    keys.missing_keys[:] = [key for key in keys.missing_keys if key.endswith(learned)]


def _found_again(base: Reference) -> str:
    """A name by which others find the base: a hub id, a folder, or a name that only svlm knows."""
    if base.origin is Origin.FOLDER:
        return str(base.folder and base.folder.absolute())
    return base.hub_id or base.name


def _keep_learned(network: Any, state: dict[str, Tensor], prefix: str, _metadata: Any) -> None:
    """Keep only trained weights in the state dict: resuming does not need the gigabytes of the base."""
    learned = {f"{prefix}{name}" for name, _ in _learned(network)}
    for key in [key for key in state if key.startswith(prefix) and key not in learned]:
        del state[key]


def _quantise(network: Network, layers: Mapping[str, nn.Linear], computed_in: torch.dtype) -> None:
    """Make these layers four-bit. bitsandbytes quantises them when they are moved to the device."""
    from bitsandbytes.nn import Linear4bit, Params4bit

    for name, layer in layers.items():
        parent, _, own = name.rpartition(".")
        made = Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=computed_in,
            compress_statistics=True,
            quant_type="nf4",
            device="meta",
        )
        made.weight = Params4bit(layer.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4")
        made.bias = layer.bias
        setattr(network.get_submodule(parent), own, made)
    setattr(network, "is_loaded_in_4bit", True)  # noqa: B010  peft checks this


def four_bit_layers(network: Network) -> list[nn.Module]:
    """The layers that `add_adapter` made four-bit."""
    if not getattr(network, "is_loaded_in_4bit", False):
        return []
    from bitsandbytes.nn import Linear4bit

    return [module for module in network.modules() if isinstance(module, Linear4bit)]
