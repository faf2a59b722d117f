"""Attention of single queries by a kernel, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from tests.compute.kernels.device import large
from tests.compute.kernels.numbers import DTYPES, alike, both, noise

pytestmark = pytest.mark.gpu


def compare(dtype: torch.dtype, heads: int, kv_heads: int, size: int, lengths: tuple[int, ...], capacity: int) -> None:
    """Slots are in another order than streams, and hold NaN behind each one's last key."""
    pools = [noise(len(lengths) + 1, capacity, kv_heads, size, seed=seed, dtype=dtype) for seed in (1, 2)]
    slots = torch.arange(len(lengths), 0, -1)
    for pool in pools:
        for slot, length in zip(slots.tolist(), lengths, strict=True):
            pool[slot, length:] = float("nan")
    found, expected = both(
        ops.decode_attention, noise(len(lengths), heads, size, dtype=dtype), *pools, slots, torch.tensor(lengths)
    )
    alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(28, 4, 128), (4, 2, 64), (16, 2, 128)])
@pytest.mark.parametrize("lengths", [(1,), *large((6000,), (1, 63, 64, 65, 700, 4097))])
def test_one_query_a_stream(dtype: torch.dtype, heads: int, kv_heads: int, size: int, lengths: tuple[int, ...]) -> None:
    """Guards parts without keys, lengths on and beside the edge of a block, and what a slot held before."""
    compare(dtype, heads, kv_heads, size, lengths, 6016)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kv_heads"), [(2, 2), (6, 2), (16, 1), (20, 1)])
@pytest.mark.parametrize("parts", [1, 8])
def test_keys_in_parts(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, heads: int, kv_heads: int, parts: int
) -> None:
    """Guards the bounds of parts and blocks, and query heads fewer or more than the least rows of a product."""
    from svlm_cli.compute.kernels import decode

    monkeypatch.setattr(decode, "splits_of", lambda *_: parts)
    compare(dtype, heads, kv_heads, 16, (1, 63, 64, 65, 511, 512, 513), 513)


def test_how_many_parts() -> None:
    """Guards part counts that are no power of two, and more parts than there are keys for."""
    from svlm_cli.compute.kernels.decode import splits_of

    assert [splits_of(pairs, 132, 8192) for pairs in (1, 4, 100, 264, 1000)] == [64, 64, 2, 1, 1]
    assert [splits_of(4, 132, capacity) for capacity in (16, 128, 255, 256, 1000, 1 << 20)] == [1, 1, 1, 2, 4, 64]
