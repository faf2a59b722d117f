"""Norms, gates, rotation and penalties by a kernel, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from svlm_cli.compute.rotary import Rotary
from tests.compute.kernels.numbers import DTYPES, alike, both, noise, tables

pytestmark = pytest.mark.gpu


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


@pytest.mark.parametrize("size", [128, 16])
@pytest.mark.parametrize("axes", [3, 1])
def test_rotary_tables(size: int, axes: int) -> None:
    """Guards large positions, and text, of which only one axis is in memory."""
    eighth = size // 8
    rotary = Rotary.of_sections(size, 1e6, (size // 2 - 3 * eighth, 2 * eighth, eighth))
    positions = 30_000 * noise(37, axes).abs()
    expected = rotary.angles(positions.expand(-1, 3))
    for one, other in zip(ops.rotary_tables(positions.cuda().expand(-1, 3), rotary), expected, strict=True):
        torch.testing.assert_close(one.cpu(), other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "size"), [(16, 80), (6, 32), (3, 16)])
def test_rotation_in_place(dtype: torch.dtype, heads: int, size: int) -> None:
    qkv, (cos, sin) = noise(37, 3 * heads * size, dtype=dtype), tables(37, size, seed=1)
    ours, theirs = qkv.cuda(), qkv.float()
    ops.rotate_heads(ours, cos.cuda(), sin.cuda())
    ops.rotate_heads(theirs, cos, sin)
    alike(ours, theirs, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("endless", [None, (1, 0, 1)])
@pytest.mark.parametrize("remembers", [False, True])
def test_penalties(dtype: torch.dtype, endless: tuple[int, ...] | None, remembers: bool) -> None:
    """To the last bit: one token more or less would be another text."""
    logits, slots, ends = noise(3, 5000, dtype=dtype), torch.tensor([2, 0, 3]), torch.tensor([7, 4999])
    seen = noise(4, 5000, seed=1) > 0 if remembers else None
    rows = None if endless is None else torch.tensor(endless)
    expected = ops.penalise(logits, seen, slots, 1.05, rows, ends)
    there = [None if one is None else one.cuda() for one in (seen, rows)]
    found = ops.penalise(logits.cuda(), there[0], slots.cuda(), 1.05, there[1], ends.cuda())
    assert torch.equal(found.cpu(), expected)
