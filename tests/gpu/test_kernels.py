"""Each kernel against the same in plain PyTorch, on a CPU in float32."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from svlm_cli.engine import fp8, ops
from svlm_cli.engine.flash import AttentionKernel, Lengths, causal, choose, packed, usable
from svlm_cli.engine.qwen2_5_vl.vision import Segments
from svlm_cli.engine.route import Run

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-3}  # of the relative norm: bfloat16 keeps 8 bits
DTYPES = list(TOLERANCE)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """The same numbers in any dtype, rounded to it."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def alike(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    error = (found.cpu().float() - expected.float()).norm() / expected.float().norm()
    assert error < TOLERANCE[dtype], error


def both(function: Callable[..., Tensor], *arguments: Tensor, **others: float) -> tuple[Tensor, Tensor]:
    """On the GPU as they are, on the CPU in float32."""
    wide = [one.float() if one.is_floating_point() else one for one in arguments]
    return function(*(one.cuda() for one in arguments), **others), function(*wide, **others)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [64, 256, 3584])
def test_norm_of_a_sum(dtype: torch.dtype, size: int) -> None:
    branch, stream, weight = noise(5, size, dtype=dtype), noise(5, size, seed=1, dtype=dtype), noise(size, dtype=dtype)
    ours, theirs = stream.cuda(), stream.float()
    normed = ops.add_rms_norm(branch.cuda(), ours, weight.cuda(), 1e-6)
    alike(normed, ops.add_rms_norm(branch.float(), theirs, weight.float(), 1e-6), dtype)
    alike(ours, theirs, dtype)
    alike(
        ops.add_rms_norm(None, ours, weight.cuda(), 1e-6), ops.add_rms_norm(None, theirs, weight.float(), 1e-6), dtype
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [48, 768, 18944])
def test_gated_product(dtype: torch.dtype, size: int) -> None:
    found, expected = both(ops.silu_mul, noise(3, 2 * size, dtype=dtype))
    alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kinds", "size"), [(28, 4, 128), (4, 2, 64), (3, 1, 16)])
def test_rotation_on_the_way_to_the_cache(dtype: torch.dtype, heads: int, kinds: int, size: int) -> None:
    count, places = 37, 90
    qkv, (cos, sin) = noise(count, (heads + 2 * kinds) * size, dtype=dtype), noise(2, count, 1, size, seed=1)
    rows = torch.randperm(places, generator=torch.Generator().manual_seed(2))[:count]
    pools = [noise(places, kinds, size, seed=3 + index, dtype=dtype) for index in range(3)]
    ours, theirs = [pool.cuda() for pool in pools], [pool.float() for pool in pools]
    query = ops.rotate_and_store(qkv.cuda(), cos.cuda(), sin.cuda(), rows.cuda(), *ours)
    alike(query, ops.rotate_and_store(qkv.float(), cos, sin, rows, *theirs), dtype)
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kinds", "size"), [(28, 4, 128), (4, 2, 64), (16, 2, 128)])
@pytest.mark.parametrize("lengths", [(1,), (6000,), (1, 63, 64, 65, 700, 4097)])
def test_one_query_a_stream(dtype: torch.dtype, heads: int, kinds: int, size: int, lengths: tuple[int, ...]) -> None:
    """Guards parts without keys, lengths on and beside the edge of a block, and what a slot held before."""
    capacity = 6016
    pools = [noise(len(lengths) + 1, capacity, kinds, size, seed=seed, dtype=dtype) for seed in (1, 2)]
    slots = torch.arange(len(lengths), 0, -1)
    found, expected = both(
        ops.decode_attention, noise(len(lengths), heads, size, dtype=dtype), *pools, slots, torch.tensor(lengths)
    )
    alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "size"), [(16, 80), (6, 32), (3, 16)])
def test_rotation_in_place(dtype: torch.dtype, heads: int, size: int) -> None:
    qkv, (cos, sin) = noise(37, 3 * heads * size, dtype=dtype), noise(2, 37, 1, size, seed=1)
    ours, theirs = qkv.cuda(), qkv.float()
    ops.rotate_heads(ours, cos.cuda(), sin.cuda())
    ops.rotate_heads(theirs, cos, sin)
    alike(ours, theirs, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kinds", "size"), [(4, 128), (2, 64), (1, 16)])
def test_moving_within_slots(dtype: torch.dtype, kinds: int, size: int) -> None:
    """Guards places that are written to before they are read: some slide, some jump, some of them backwards."""
    layers, places = 3, 3000
    slots = [
        [Run(900, 3, 20), Run(100, 23, 800), Run(1200, 823, 800)],
        [Run(2005, 2003, 95), Run(2500, 2098, 400)],
        [Run(2950, 2960, 1), Run(2951, 2953, 1)],
    ]
    count = sum(run.rows for slot in slots for run in slot)
    cos, sin = noise(2, count, 1, size)
    pools = [noise(layers, places, kinds, size, seed=index, dtype=dtype) for index in range(3)]
    ours, theirs = [pool.cuda() for pool in pools], [pool.float() for pool in pools]
    for (keys, rotated, values), on in ((ours, "cuda"), (theirs, "cpu")):
        ops.move(keys, rotated, values, slots, cos.to(on), sin.to(on))
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)


@pytest.mark.parametrize("kernel", AttentionKernel)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (40, 40), (288, 6144), (129, 3001)])
@pytest.mark.parametrize(("heads", "kinds", "size"), [(28, 4, 128), (4, 2, 64)])
def test_new_tokens_over_old_ones(kernel: AttentionKernel, n: int, m: int, heads: int, kinds: int, size: int) -> None:
    """Guards "causal" that counts from the first key, and heads that take another's keys."""
    device, dtype = torch.device("cuda"), torch.bfloat16
    if not usable(kernel, device, dtype):
        pytest.skip(f"{kernel} is not usable here")
    kernels = causal(choose(kernel, device, dtype), device, dtype)
    assert kernels is not None
    query = noise(n, heads, size, dtype=dtype)
    keys, values = noise(m, kinds, size, seed=1, dtype=dtype), noise(m, kinds, size, seed=2, dtype=dtype)
    found = kernels.alone(query.cuda(), keys.cuda(), values.cuda())
    wide_keys, wide_values = (
        x.float().repeat_interleave(heads // kinds, dim=1).transpose(0, 1) for x in (keys, values)
    )
    seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query.float().transpose(0, 1), wide_keys, wide_values, attn_mask=seen
    )
    alike(found, expected.transpose(0, 1), dtype)


@pytest.mark.parametrize("kernel", AttentionKernel)
@pytest.mark.parametrize(("heads", "kinds", "size"), [(28, 4, 128), (4, 2, 64)])
def test_several_streams_in_one_call(kernel: AttentionKernel, heads: int, kinds: int, size: int) -> None:
    """Guards the lengths of another stream, and keys that a slot held before."""
    device, dtype, new, held = torch.device("cuda"), torch.bfloat16, (40, 1, 288, 129), (40, 700, 3000, 1025)
    kernels = causal(choose(kernel, device, dtype), device, dtype) if usable(kernel, device, dtype) else None
    if kernels is None or kernels.together is None:
        pytest.skip(f"{kernel} is not usable here, or takes one stream at a time")
    query, pool = noise(sum(new), heads, size, dtype=dtype).cuda(), (len(new) + 2, 3100, kinds, size)
    keys, values = (noise(*pool, seed=seed, dtype=dtype).cuda()[1:-1] for seed in (1, 2))
    starts, lengths = (torch.tensor(one, dtype=torch.int32).cuda() for one in (np.cumsum((0, *new)), held))
    found = kernels.together(query, keys, values, Lengths(starts, max(new)), lengths)
    apart = zip(torch.split(query, list(new)), keys, values, held, strict=True)
    expected = [kernels.alone(one, k[:length], v[:length]) for one, k, v, length in apart]
    alike(found, torch.cat(expected).cpu(), dtype)


@pytest.mark.parametrize("lengths", [(64, 64, 64), (17, 64, 3, 150)])
@pytest.mark.parametrize(("heads", "size"), [(16, 80), (6, 32)])
def test_segments_see_themselves(lengths: tuple[int, ...], heads: int, size: int) -> None:
    attend = packed(torch.device("cuda"), torch.bfloat16)
    assert attend is not None
    segments = Segments.of(torch.tensor(lengths), torch.device("cpu"))
    qkv = noise(sum(lengths), 3, heads, size, dtype=torch.bfloat16)
    query, key, value = qkv.cuda().unbind(1)
    found = attend(query, key, value, segments.starts.cuda(), segments.longest)
    query, key, value = qkv.float().unbind(1)
    alike(found.flatten(1), segments.attend(query, key, value), torch.bfloat16)


@pytest.mark.parametrize("rows", [1, 5, 48, 300])
@pytest.mark.parametrize(("out", "inner"), [(512, 256), (4608, 3584), (3584, 18944)])
def test_weights_in_eight_bits(rows: int, out: int, inner: int) -> None:
    """Guards a row of large numbers, and several rows, which are rounded as well."""
    weight = fp8.quantise(noise(out, inner).cuda())
    x, bias = 3000 * noise(rows, inner, seed=1, dtype=torch.bfloat16), noise(out, seed=2, dtype=torch.bfloat16)
    found = ops.linear(x.cuda(), weight, bias.cuda())
    expected = x.float() @ weight.widened(torch.float32).cpu().T + bias.float()
    error = (found.cpu().float() - expected).norm() / expected.norm()
    assert error < (5e-3 if rows == 1 else 0.04)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("out", "inner"), [(100, 48), (4608, 3584), (3584, 18944)])
def test_a_single_row(dtype: torch.dtype, biased: bool, out: int, inner: int) -> None:
    """Guards channels and inner sizes that do not fill the last block."""
    arguments = [noise(1, inner, dtype=dtype), noise(out, inner, seed=1, dtype=dtype)]
    if biased:
        arguments.append(noise(out, seed=2, dtype=dtype))
    found, expected = both(ops.linear, *arguments)
    alike(found, expected, dtype)
