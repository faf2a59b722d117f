"""Each kernel against the same in plain PyTorch, on a CPU in float32."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from svlm_cli.engine import fp8, ops
from svlm_cli.engine.flash import AttentionKernel, causal, choose, usable

pytestmark = pytest.mark.gpu

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
@pytest.mark.parametrize(("kinds", "size"), [(4, 128), (2, 64)])
def test_moving_within_a_slot(dtype: torch.dtype, kinds: int, size: int) -> None:
    """Guards places that are written to before they are read."""
    places = 3000
    order = torch.cat((torch.arange(900, 920), torch.arange(100, 900), torch.arange(1200, 3000)))
    target, (cos, sin) = torch.arange(len(order)) + 3, noise(2, len(order), 1, size)
    pools = [noise(places, kinds, size, seed=index, dtype=dtype) for index in range(3)]
    ours, theirs = [pool.cuda() for pool in pools], [pool.float() for pool in pools]
    for (keys, rotated, values), on in ((ours, "cuda"), (theirs, "cpu")):
        ops.move(keys, rotated, values, order.to(on), target.to(on), cos.to(on), sin.to(on))
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
    attend = causal(choose(kernel, device, dtype), device, dtype)
    assert attend is not None
    query = noise(n, heads, size, dtype=dtype)
    keys, values = noise(m, kinds, size, seed=1, dtype=dtype), noise(m, kinds, size, seed=2, dtype=dtype)
    found = attend(query.cuda(), keys.cuda(), values.cuda())
    wide_keys, wide_values = (
        x.float().repeat_interleave(heads // kinds, dim=1).transpose(0, 1) for x in (keys, values)
    )
    seen = torch.ones(n, m, dtype=torch.bool).tril(m - n)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query.float().transpose(0, 1), wide_keys, wide_values, attn_mask=seen
    )
    alike(found, expected.transpose(0, 1), dtype)


@pytest.mark.parametrize("rows", [1, 5, 48, 300])
@pytest.mark.parametrize(("out", "inner"), [(512, 256), (4608, 3584), (3584, 18944)])
def test_weights_in_eight_bits(rows: int, out: int, inner: int) -> None:
    """Guards large numbers in halves, parts that are not summed, and many rows, which are rounded as well."""
    weight = fp8.quantise(noise(out, inner).cuda())
    x, bias = 3000 * noise(rows, inner, seed=1, dtype=torch.bfloat16), noise(out, seed=2, dtype=torch.bfloat16)
    found = fp8.linear(x.cuda(), weight, bias.cuda())
    expected = x.float() @ weight.widened(torch.float32).cpu().T + bias.float()
    error = (found.cpu().float() - expected).norm() / expected.norm()
    assert error < (5e-3 if rows <= fp8.FEW_ROWS else 0.04)
