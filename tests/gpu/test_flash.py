"""Attention kernels of others, against attention in float32 on a CPU."""

import numpy as np
import pytest
import torch

from svlm_cli.compute.flash import AttentionKernel, Lengths, causal, choose, learning, packed, usable
from svlm_cli.compute.rotary import rotary_tables
from svlm_cli.compute.segments import Segments
from svlm_cli.networks.attend import PackedSequences
from tests.compute.kernels.numbers import alike, noise

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.mark.parametrize("kernel", AttentionKernel)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (40, 40), (288, 6144), (129, 3001)])
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(28, 4, 128), (4, 2, 64)])
def test_new_tokens_over_old_ones(
    kernel: AttentionKernel, n: int, m: int, heads: int, kv_heads: int, size: int
) -> None:
    """Guards "causal" that counts from the first key, and heads that take another's keys."""
    device, dtype = torch.device("cuda"), torch.bfloat16
    if not usable(kernel, device, dtype):
        pytest.skip(f"{kernel} is not usable here")
    kernels = causal(choose(kernel, device, dtype), device, dtype)
    assert kernels is not None
    query = noise(n, heads, size, dtype=dtype)
    keys, values = noise(m, kv_heads, size, seed=1, dtype=dtype), noise(m, kv_heads, size, seed=2, dtype=dtype)
    found = kernels.single(query.cuda(), keys.cuda(), values.cuda())
    wide_keys, wide_values = (
        x.float().repeat_interleave(heads // kv_heads, dim=1).transpose(0, 1) for x in (keys, values)
    )
    seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query.float().transpose(0, 1), wide_keys, wide_values, attn_mask=seen
    )
    alike(found, expected.transpose(0, 1), dtype)


@pytest.mark.parametrize("kernel", AttentionKernel)
@pytest.mark.parametrize("new", [(40, 1, 288, 129), (40, 40, 40, 40)])
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(28, 4, 128), (4, 2, 64)])
def test_several_streams_in_one_call(
    kernel: AttentionKernel, new: tuple[int, ...], heads: int, kv_heads: int, size: int
) -> None:
    """Guards the lengths of another stream, keys that a slot held before, and padding."""
    device, dtype, held = torch.device("cuda"), torch.bfloat16, (40, 700, 3000, 1025)
    kernels = causal(choose(kernel, device, dtype), device, dtype) if usable(kernel, device, dtype) else None
    if kernels is None or kernels.batched is None:
        pytest.skip(f"{kernel} is not usable here, or takes one stream at a time")
    query, pool = noise(sum(new), heads, size, dtype=dtype).cuda(), (len(new) + 2, 3100, kv_heads, size)
    keys, values = (noise(*pool, seed=seed, dtype=dtype).cuda()[1:-1] for seed in (1, 2))
    starts, lengths = (torch.tensor(one, dtype=torch.int32).cuda() for one in (np.cumsum((0, *new)), held))
    found = kernels.batched(query, keys, values, Lengths(starts, max(new)), lengths)
    apart = zip(torch.split(query, list(new)), keys, values, held, strict=True)
    expected = [kernels.single(one, k[:length], v[:length]) for one, k, v, length in apart]
    alike(found, torch.cat(expected).cpu(), dtype)


@pytest.mark.parametrize("lengths", [(64, 64, 64), (17, 64, 3, 150)])
@pytest.mark.parametrize(("heads", "size"), [(16, 80), (6, 32)])
def test_segments_see_themselves(lengths: tuple[int, ...], heads: int, size: int) -> None:
    attend = packed(torch.device("cuda"), torch.bfloat16)
    assert attend is not None
    segments = Segments.of(torch.tensor(lengths), torch.device("cpu"))
    qkv = noise(sum(lengths), 3, heads, size, dtype=torch.bfloat16)
    query, key, value = qkv.cuda().unbind(1)
    found = attend(query, key, value, Lengths(segments.starts.cuda(), segments.longest))
    query, key, value = qkv.float().unbind(1)
    alike(found.flatten(1), segments.attend(query, key, value), torch.bfloat16)


@pytest.mark.parametrize("lengths", [(64, 64, 64), (17, 640, 3, 150)])
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(28, 4, 128), (4, 2, 64)])
def test_packed_sequences_learn_apart(lengths: tuple[int, ...], heads: int, kv_heads: int, size: int) -> None:
    """Guards gradients through the kernel: of keys that several heads share, and across the borders of sequences."""
    kernel = learning(torch.device("cuda"), torch.bfloat16)
    assert kernel is not None
    count, bounds = sum(lengths), tuple(np.cumsum((0, *lengths)).tolist())
    tables = rotary_tables(torch.zeros(count, size))  # nothing is turned
    starts = Lengths(torch.tensor(bounds, dtype=torch.int32), max(lengths))
    on_gpu = Lengths(starts.cu_seqlens.cuda(), starts.max_seqlen)
    shapes = [(count, heads, size), (count, kv_heads, size), (count, kv_heads, size)]
    given = [noise(*shape, seed=seed, dtype=torch.bfloat16) for seed, shape in enumerate(shapes)]
    slow = [one.float().requires_grad_() for one in given]
    fast = [one.cuda().requires_grad_() for one in given]
    expected = PackedSequences(*tables, starts, bounds, kernel=None)(0, *slow)
    cos, sin = (one.cuda() for one in tables)
    found = PackedSequences(cos, sin, on_gpu, bounds, kernel)(0, *fast)
    alike(found, expected, torch.bfloat16)
    back = noise(*expected.shape, seed=9, dtype=torch.bfloat16)
    wanted = torch.autograd.grad(expected, slow, back.float())
    for one, other in zip(torch.autograd.grad(found, fast, back.cuda()), wanted, strict=True):
        alike(one, other, torch.bfloat16)
