"""Norms, gates, rotation and penalties by a kernel, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from svlm_cli.compute.rotary import Rotary
from tests.compute.kernels.device import large, on_device
from tests.compute.kernels.numbers import DTYPES, alike, both, noise, tables

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [48, 63, 64, 65, 256, *large(3584)])
def test_norm_of_a_sum(dtype: torch.dtype, size: int) -> None:
    """Guards channels that do not fill the block, a power of two: no mean may count what lies behind them."""
    branch, stream, weight = noise(5, size, dtype=dtype), noise(5, size, seed=1, dtype=dtype), noise(size, dtype=dtype)
    ours, theirs = on_device(stream), stream.float()
    normed = ops.add_rms_norm(on_device(branch), ours, on_device(weight), 1e-6)
    alike(normed, ops.add_rms_norm(branch.float(), theirs, weight.float(), 1e-6), dtype)
    alike(ours, theirs, dtype)
    alike(
        ops.add_rms_norm(None, ours, on_device(weight), 1e-6),
        ops.add_rms_norm(None, theirs, weight.float(), 1e-6),
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("size", [48, 768, 1023, 1024, 1025, *large(18944)])
def test_gated_product(dtype: torch.dtype, rows: int, size: int) -> None:
    """Guards the last block of a row, which must read no gate of the next row and write none of its products."""
    found, expected = both(ops.silu_mul, noise(rows, 2 * size, dtype=dtype))
    alike(found, expected, dtype)


@pytest.mark.parametrize("count", [1, 31, 32, 33, 37])
@pytest.mark.parametrize("size", [128, 80, 16])
@pytest.mark.parametrize("axes", [3, 1])
def test_rotary_tables(count: int, size: int, axes: int) -> None:
    """Guards large positions; text, of which only one axis is in memory; and tokens and channels on and beside the
    edge of a block.
    """
    eighth = size // 8
    rotary = Rotary.of_sections(size, 1e6, (size // 2 - 3 * eighth, 2 * eighth, eighth))
    positions = 30_000 * noise(count, axes).abs()
    expected = rotary.angles(positions.expand(-1, 3))
    for one, other in zip(ops.rotary_tables(on_device(positions).expand(-1, 3), rotary), expected, strict=True):
        torch.testing.assert_close(one.cpu(), other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 37])
@pytest.mark.parametrize(("heads", "size"), [(16, 80), (6, 32), (4, 32), (3, 16)])
def test_rotation_in_place(dtype: torch.dtype, rows: int, heads: int, size: int) -> None:
    """Guards the values, which stay; and heads and channels that do or do not fill their powers of two."""
    qkv, (cos, sin) = noise(rows, 3 * heads * size, dtype=dtype), tables(rows, size, seed=1)
    ours, theirs = on_device(qkv), qkv.float()
    ops.rotate_heads(ours, on_device(cos), on_device(sin))
    ops.rotate_heads(theirs, cos, sin)
    alike(ours, theirs, dtype)
    assert torch.equal(ours[:, 2 * heads * size :].cpu(), qkv[:, 2 * heads * size :])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("endless", [None, (1, 0, 1)])
@pytest.mark.parametrize("remembers", [False, True])
@pytest.mark.parametrize("vocabulary", [50, 2047, 2048, 2049, 5000])
def test_penalties(dtype: torch.dtype, endless: tuple[int, ...] | None, remembers: bool, vocabulary: int) -> None:
    """To the last bit: one token more or less would be another text. Guards the first and the last token of a
    vocabulary, on and beside the edge of a block.
    """
    logits, slots = noise(3, vocabulary, dtype=dtype), torch.tensor([2, 0, 3])
    ends = torch.tensor([0, 7, vocabulary - 1])
    seen = noise(4, vocabulary, seed=1) > 0 if remembers else None
    rows = None if endless is None else torch.tensor(endless)
    expected = ops.penalise(logits, seen, slots, 1.05, rows, ends)
    ours = [None if one is None else on_device(one) for one in (seen, rows)]
    found = ops.penalise(on_device(logits), ours[0], on_device(slots), 1.05, ours[1], on_device(ends))
    assert torch.equal(found.cpu(), expected)
