"""Loads networks from checkpoint folders, and saves them.

Only safetensors and JSON, so nothing in a folder is executed. Strict: the folder contains every tensor of the network
once, in its shape, and no others. Knows no hub and no tokenizer.
"""

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from svlm_cli.checkpoints.fields import read_object
from svlm_cli.checkpoints.reading import MOST_TABLE_BYTES
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import ModelError, OutputError
from svlm_cli.networks.adapter import AdapterWeights
from svlm_cli.networks.families import read_family
from svlm_cli.networks.family import Family
from svlm_cli.networks.network import Network
from svlm_cli.networks.pixels import Preprocessor

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
MAX_SHARD_BYTES = 5_000_000_000
_KINDS = ("BF16", "F16", "F32", "F64")
_MOST_SHARDS = 1000
_LONGEST_NAME = 200  # of a shard's file
_AGAIN = "Fetch the checkpoint again."


def load_family(folder: Path) -> Family:
    """The family and sizes of a checkpoint. Raises `ModelError` saying what is wrong with its config.json."""
    return read_family(read_object(folder, "config.json"))


def load_network(folder: Path, *, device: torch.device, dtype: torch.dtype, adapter: Path | None = None) -> Network:
    """The network of a checkpoint folder, in eval mode, its parameters in ``dtype`` on ``device``.

    An adapter folder is merged while loading. Peak memory is about one copy of the weights. Raises `ModelError` naming
    the file or tensor at fault.
    """
    family = load_family(folder)
    with torch.device("meta"):
        network = family.network()
    missing = {family.disk_name(name): (name, parameter.shape) for name, parameter in network.named_parameters()}
    added = None if adapter is None else AdapterWeights.load(adapter, family)
    state: dict[str, Tensor] = {}
    extremes: dict[str, Tensor] = {}  # kept on the device, so that loading need not wait for it
    for path in _weight_files(folder):
        with _open(path) as file:
            for stored in sorted(file.keys()):
                name = family.published_name(stored)
                if family.tied and name == "lm_head.weight":
                    continue  # some tools write a tied embedding twice
                if name not in missing:
                    raise ModelError(
                        f"{path}: the network has no place, or none left, for tensor {stored:.100}.",
                        f"Use a checkpoint of the {family.title} family, without adapters or quantised weights.",
                    )
                parameter, shape = missing.pop(name)
                tensor = _read(file, path, stored, shape)
                if added is not None:
                    tensor = added.merged(name, tensor, device)
                tensor = tensor.to(device=device, dtype=dtype, copy=True)
                state[parameter], extremes[name] = tensor, torch.stack(tensor.aminmax())
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{folder} lacks the tensor {min(missing)}{others}.", _AGAIN)
    if added is not None:
        added.finish()
    _require_numbers(folder, extremes)
    network.load_state_dict(state, assign=True)
    return network.eval()


def first_rows(folder: Path, family: Family, names: Collection[str]) -> dict[str, Tensor]:
    """The first row of each of the named tensors of a checkpoint, by published name. Raises `ModelError`."""
    rows: dict[str, Tensor] = {}
    for path in _weight_files(folder):
        with _open(path) as file:
            stored = {family.published_name(one): one for one in file.keys()}  # noqa: SIM118 - not a mapping
            rows |= {name: file.get_slice(stored[name])[:1] for name in stored.keys() & names}
    return rows


def load_preprocessor(folder: Path, family: Family) -> Preprocessor:
    """The preprocessor of a checkpoint. Raises `ModelError`."""
    if not (folder / "preprocessor_config.json").is_file() and (folder / "processor_config.json").is_file():
        # transformers 5 writes all parts of a processor into one file.
        raw = read_object(folder, "processor_config.json").get("image_processor")
        return family.preprocessor(raw if isinstance(raw, dict) else {})
    return family.preprocessor(read_object(folder, "preprocessor_config.json"))


def save_network(network: Network, folder: Path, *, max_shard_bytes: int = MAX_SHARD_BYTES) -> None:
    """Write config.json and weights as transformers does: both `load_network` and transformers can read them.

    Raises `OutputError` if the folder cannot be written, or already contains weights, since a reader might pick stale
    files.
    """
    if any(folder.glob("model*.safetensors*")):
        raise OutputError(f"{folder} holds weights already.", "Save to another folder, or empty this one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(network, folder, list(_shards(network, max_shard_bytes)))
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{folder} cannot be written: {error}.", "Check its path, rights and free space.") from error


def _write(network: Network, folder: Path, shards: Sequence[Mapping[str, Tensor]]) -> None:
    dtype = str(next(network.parameters()).dtype).removeprefix("torch.")
    _write_json(folder / "config.json", network.family.to_dict() | {"dtype": dtype})
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = WEIGHTS if len(shards) == 1 else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(dict(shard), folder / file, metadata={"format": "pt"})
        shutil.copymode(folder / "config.json", folder / file)  # safetensors creates files readable only by their owner
        weight_map |= dict.fromkeys(shard, file)
    if len(shards) > 1:
        total = sum(map(_bytes, network.parameters()))
        _write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})


def _weight_files(folder: Path) -> Sequence[Path]:
    """The single file, or all shards in the index. Raises `ModelError` if one is missing."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        raise ModelError(
            f"{folder} has neither {WEIGHTS} nor {INDEX}.",
            "Fetch the checkpoint again; only the safetensors format is read.",
        )
    weight_map = read_object(folder, INDEX, most=MOST_TABLE_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{folder / INDEX} has no weight_map.", _AGAIN)
    names = sorted({str(name) for name in weight_map.values()})
    if len(names) > _MOST_SHARDS:
        raise ModelError(f"{folder / INDEX} names {len(names)} shards; {_MOST_SHARDS} are the most.", _AGAIN)
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors") or len(name) > _LONGEST_NAME:
            raise ModelError(
                f"{folder / INDEX} names a shard that is not a safetensors file beside it: {shown(name)}.", _AGAIN
            )
        if not (folder / name).is_file():
            raise ModelError(f"{folder} lacks the shard {name}.", _AGAIN)
    return [folder / name for name in names]


def _open(path: Path) -> Any:  # safetensors types its handle loosely
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a complete safetensors file: {error!s:.200}.", _AGAIN) from error


def _read(file: Any, path: Path, name: str, shape: torch.Size) -> Tensor:
    found = tuple(file.get_slice(name).get_shape())
    if found != tuple(shape):
        raise ModelError(
            f"{path}: tensor {name} has shape {list(found)}, but config.json asks for {list(shape)}.",
            "Fetch config.json and the weights from the same revision.",
        )
    kind = file.get_slice(name).get_dtype()
    if kind not in _KINDS:
        raise ModelError(f"{path}: tensor {name} is stored as {kind}.", "Use a checkpoint that is not quantised.")
    tensor: Tensor = file.get_tensor(name)
    return tensor


def _require_numbers(folder: Path, extremes: Mapping[str, Tensor]) -> None:
    """`ModelError` if a tensor contains NaN or infinity, judging by its minimum and maximum."""
    finite = torch.stack(list(extremes.values())).isfinite().all(dim=1).tolist()
    if not all(finite):
        name = list(extremes)[finite.index(False)]
        dtype = str(extremes[name].dtype).removeprefix("torch.")
        raise ModelError(f"{folder}: the tensor {name} has values that are NaN, or infinite in {dtype}.", _AGAIN)


def _shards(network: Network, max_bytes: int) -> Iterator[dict[str, Tensor]]:
    """All parameters by published name, in shards of at most ``max_bytes`` (or of one tensor)."""
    shard: dict[str, Tensor] = {}
    size = 0
    for name, parameter in network.named_parameters():
        if shard and size + _bytes(parameter) > max_bytes:
            yield shard
            shard, size = {}, 0
        shard[network.family.disk_name(name)] = parameter.detach().contiguous()
        size += _bytes(parameter)
    yield shard


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
