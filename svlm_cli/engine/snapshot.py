"""Saves a stream's whole state between two rounds to disk, so that another process can resume it.

A safetensors file: tensors as such, the rest as JSON in its header. It is valid for one policy, one set of stream
options and weights of one shape; the caller has to ensure that the weights are the same. Knows no video.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.cache import KVCache
from svlm_cli.engine.prompt import Part, Span
from svlm_cli.engine.stream import StreamState

_FORM: Final = "svlm stream 1"  # file format; the number changes with the layout
_FEATURES: Final = "features."


def save(path: Path, stream: StreamState, cache: KVCache, policy: StreamPolicy) -> None:
    """Write a stream, atomically. Raises `OutputError`."""
    length = cache.lengths[stream.slot]
    tensors = {name: pool[:, stream.slot, :length].cpu().contiguous() for name, pool in _pools(cache).items()}
    tensors["positions"] = torch.from_numpy(stream.positions).contiguous()
    for round_, features in stream.features.items():
        tensors[f"{_FEATURES}{round_}"] = features.cpu().contiguous()
    header = {"form": _FORM, "made_by": _fingerprint(stream, policy), "stream": json.dumps(_state(stream))}
    part = path.with_name(f"{path.name}.part")
    try:
        save_file(tensors, part, header)
        part.replace(path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} cannot be written: {error}.", "Choose a place with more room.") from error


def saved_bytes(stream: StreamState, cache: KVCache) -> int:
    """The size of its tensors in bytes."""
    keys_and_values = sum(pool[:, stream.slot, : cache.lengths[stream.slot]].nbytes for pool in _pools(cache).values())
    return keys_and_values + sum(one.nbytes for one in stream.features.values()) + stream.positions.nbytes


def restore(path: Path, stream: StreamState, cache: KVCache, policy: StreamPolicy) -> None:
    """Fill a new stream and its empty slot with the saved state of one with the same options.

    Raises `InputError`, leaving the stream new, if the file cannot be read or is for another policy, other options or
    another shape.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise _unusable(path, "cannot be read") from error
    if header.get("form") != _FORM:
        raise _unusable(path, "was written by another version of svlm")
    if header.get("made_by") != _fingerprint(stream, policy):
        raise _unusable(path, "was saved under another policy, query, context or seed")
    pools = _pools(cache)
    if not all(name in tensors and _fits(tensors[name], pool) for name, pool in pools.items()):
        raise _unusable(path, "is of another model, or uses other number formats")
    try:
        _fill(stream, json.loads(header["stream"]), tensors, cache.keys.device)
    except (KeyError, TypeError, ValueError) as error:
        stream.reset()
        raise _unusable(path, "is damaged") from error
    length = tensors["keys"].shape[1]
    cache.claim(stream.slot, length)
    for name, pool in pools.items():
        pool[:, stream.slot, :length] = tensors[name]


def _unusable(path: Path, why: str) -> InputError:
    return InputError(f"The snapshot {path} {why}.", "Delete it: the stream then starts again from its beginning.")


def _pools(cache: KVCache) -> dict[str, Tensor]:
    return {"keys": cache.keys, "rotated_keys": cache.rotated_keys, "values": cache.values}


def _fits(held: Tensor, pool: Tensor) -> bool:
    """Whether `held` is ``[L, T, K, D]`` and fits a slot of ``[L, S, C, K, D]``."""
    layers, _, capacity, *head = pool.shape
    return (
        held.dtype == pool.dtype
        and held.ndim == 4
        and held.shape[1] <= capacity
        and [held.shape[0], *held.shape[2:]] == [layers, *head]
    )


def _fingerprint(stream: StreamState, policy: StreamPolicy) -> str:
    made_by = json.dumps([asdict(policy), asdict(stream.options)], sort_keys=True)
    return hashlib.sha256(made_by.encode()).hexdigest()


def _state(stream: StreamState) -> dict[str, Any]:
    return {
        "spans": [(one.part.name, one.ids, one.round, one.grid) for one in stream.spans],
        "rounds": stream.rounds,
        "end_s": stream.end_s,
        "next_position": stream.next_position,
        "own_words": list(stream.own_words),
        "random": stream.random.bit_generator.state,
    }


def _fill(stream: StreamState, state: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
    stream.spans = tuple(
        Span(Part[part], tuple(ids), round_, None if grid is None else tuple(grid))
        for part, ids, round_, grid in state["spans"]
    )
    stream.positions = tensors["positions"].numpy()
    if len(stream.positions) != sum(map(len, stream.spans)):
        raise ValueError("every token has a position")
    stream.rounds, stream.end_s = state["rounds"], state["end_s"]
    stream.next_position = state["next_position"]
    stream.own_words.extend(state["own_words"])
    stream.random.bit_generator.state = state["random"]
    stream.features = {
        int(name.removeprefix(_FEATURES)): features.to(device)
        for name, features in tensors.items()
        if name.startswith(_FEATURES)
    }
