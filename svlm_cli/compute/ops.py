"""Operations between matrix products in streaming: one kernel each on a GPU, plain PyTorch elsewhere.

Each kernel is tested against its plain form. Knows no stream and no policy.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from svlm_cli.compute.device import upload
from svlm_cli.compute.fp8 import Fp8Weight
from svlm_cli.compute.rotary import Rotary, rotate
from svlm_cli.compute.route import CopyRange, Route


def add_rms_norm(branch: Tensor | None, stream: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Add `branch` ``[N, D]`` to the residual `stream` ``[N, D]`` in place; return the sum, RMS-normalised."""
    if stream.is_cuda:
        from svlm_cli.compute.kernels import pointwise

        return pointwise.add_rms_norm(branch, stream, weight, eps)
    if branch is not None:
        stream += branch
    return F.rms_norm(stream, weight.shape, weight, eps)


def linear(x: Tensor, weight: Tensor | Fp8Weight, bias: Tensor | None = None) -> Tensor:
    """``[M, K]`` times ``[N, K]`` transposed, plus ``[N]``. For one row, bound by reading the weights."""
    if not x.is_cuda or len(x) != 1:
        return weight.matmul(x, bias) if isinstance(weight, Fp8Weight) else F.linear(x, weight, bias)
    from svlm_cli.compute.kernels import products

    return products.row_linear(x, *_stored(weight), bias)


def _stored(weight: Tensor | Fp8Weight) -> tuple[Tensor, Tensor | None]:
    """The stored values and, for fp8, their scales."""
    return (weight.values, weight.scales) if isinstance(weight, Fp8Weight) else (weight, None)


def gated_linear(x: Tensor, weight: Tensor | Fp8Weight) -> Tensor:
    """`silu_mul` of ``[M, K]`` times ``[2 * I, K]`` transposed."""
    if not x.is_cuda or len(x) != 1:
        return silu_mul(linear(x, weight))
    from svlm_cli.compute.kernels import products

    return products.row_gated(x, *_stored(weight))


def silu_mul(gate_up: Tensor) -> Tensor:
    """``silu(gate) * up`` of ``[N, 2 * I]``, gates first."""
    if gate_up.is_cuda:
        from svlm_cli.compute.kernels import pointwise

        return pointwise.silu_mul(gate_up)
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


def rotary_tables(positions: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
    """The cosines and sines of positions ``[N, 3]`` in float32, each ``[N, 1, D]``, equal to `Rotary.angles`."""
    if positions.is_cuda:
        from svlm_cli.compute.kernels import pointwise

        return pointwise.rotary_tables(positions, *rotary.tables(positions.device))
    return rotary.angles(positions)


def rotate_heads(qkv: Tensor, cos: Tensor, sin: Tensor) -> None:
    """Rotate the queries and keys in `qkv` ``[N, 3 * H * D]`` in place, by rotary tables ``[N, 1, D]``."""
    if qkv.is_cuda:
        from svlm_cli.compute.kernels import pointwise

        pointwise.rotate_heads(qkv, cos, sin)
        return
    query_key = qkv.view(len(qkv), -1, cos.shape[-1]).tensor_split(3, dim=1)[:2]
    for one in query_key:
        one.copy_(rotate(one, cos, sin))


def rotate_and_store(
    qkv: Tensor, cos: Tensor, sin: Tensor, rows: Tensor, keys: Tensor, rotated_keys: Tensor, values: Tensor
) -> Tensor:
    """Store the keys and values in `qkv` ``[N, (H + 2 K) D]`` at `rows` ``[N]`` of the pools ``[R, K, D]``.

    Tokens with a negative row are not stored. `cos` and `sin` ``[N, 1, D]`` are rotary tables. Returns the rotated
    queries ``[N, H, D]``.
    """
    if qkv.is_cuda:
        from svlm_cli.compute.kernels import cache

        return cache.rotate_and_store(qkv, cos, sin, rows, keys, rotated_keys, values)
    kv_heads, size = keys.shape[1:]
    heads = qkv.shape[1] // size - 2 * kv_heads
    query_key, value = qkv.view(len(qkv), -1, size).split_with_sizes((heads + kv_heads, kv_heads), dim=1)
    rotated, rotated_key = rotate(query_key, cos, sin).split_with_sizes((heads, kv_heads), dim=1)
    stored = rows >= 0
    if not stored.all():
        rows, value, rotated_key, query_key = (x[stored] for x in (rows, value, rotated_key, query_key))
    keys.index_copy_(0, rows, query_key[:, heads:])
    rotated_keys.index_copy_(0, rows, rotated_key)
    values.index_copy_(0, rows, value)
    return rotated


def decode_attention(query: Tensor, keys: Tensor, values: Tensor, slots: Tensor, lengths: Tensor) -> Tensor:
    """One query ``[H, D]`` per stream, of B, over the first `lengths` ``[B]`` keys of its slot; ``[B, H, D]``.

    `keys` and `values` are whole pools ``[S, C, K, D]``, `slots` ``[B]`` are the streams' slots. On a GPU the kernel
    reads `slots` and `lengths` from the device, so a recorded graph works for any of them.
    """
    if query.is_cuda:
        from svlm_cli.compute.kernels import decode

        return decode.decode_attention(query, keys, values, slots, lengths)
    heads, kv_heads, size = query.shape[1], keys.shape[2], query.shape[2]
    outputs = []
    for one, slot, length in zip(query, slots.tolist(), lengths.tolist(), strict=True):
        key, value = (pool[slot, :length].transpose(0, 1) for pool in (keys, values))  # [K, length, D]
        outputs.append(F.scaled_dot_product_attention(one.view(kv_heads, -1, size), key, value).view(heads, size))
    return torch.stack(outputs)


def penalise(
    logits: Tensor, seen: Tensor | None, slots: Tensor, penalty: float, endless: Tensor | None, end_ids: Tensor
) -> Tensor:
    """Logits ``[B, V]`` in float32, with the repetition penalty (Keskar et al. 2019) on ids in the context.

    `seen` ``[S, V]`` marks the ids in each slot's context, `slots` ``[B]`` are the rows' slots. Rows with nonzero
    `endless` ``[B]`` may not end the round yet: `end_ids` ``[E]`` get minus infinity.
    """
    if logits.is_cuda:
        from svlm_cli.compute.kernels import pointwise

        return pointwise.penalise(logits, seen, slots, penalty, endless, end_ids)
    scores = logits.float()
    if seen is not None:
        penalised = torch.where(scores > 0, scores / penalty, scores * penalty)
        scores = torch.where(seen.index_select(0, slots), penalised, scores)
    if endless is None:
        return scores
    ends = scores.index_select(1, end_ids).masked_fill(endless.bool()[:, None], float("-inf"))
    return scores.index_copy(1, end_ids, ends)


def move(
    keys: Tensor, rotated_keys: Tensor, values: Tensor, slots: Sequence[Sequence[CopyRange]], cos: Tensor, sin: Tensor
) -> None:
    """Move runs of rows within the pools ``[L, R, K, D]``, in every layer, as if all rows moved at once.

    Moved keys are rotated anew by `cos` and `sin` ``[N, 1, D]``, which list the rows slot by slot, run by run.
    """
    if keys.is_cuda:
        from svlm_cli.compute.kernels import cache

        cache.move(keys, rotated_keys, values, Route.of(slots, keys.device), cos, sin)
        return
    runs = [run for slot in slots for run in slot]
    source = upload(np.concatenate([np.arange(run.source, run.source + run.rows) for run in runs]), keys.device)
    target = upload(np.concatenate([np.arange(run.target, run.target + run.rows) for run in runs]), keys.device)
    for layer, rotated_layer, value_layer in zip(keys, rotated_keys, values, strict=True):  # avoids copying all layers
        moved = layer.index_select(0, source)
        layer.index_copy_(0, target, moved)
        rotated_layer.index_copy_(0, target, rotate(moved, cos, sin))
        value_layer.index_copy_(0, target, value_layer.index_select(0, source))
