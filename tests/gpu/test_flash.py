"""Attention kernels of others, against attention in float32 on a CPU."""

import numpy as np
import pytest
import torch

from svlm_cli.compute.flash import AttentionKernel, Lengths, causal, choose, packed, usable
from svlm_cli.compute.segments import Segments
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
