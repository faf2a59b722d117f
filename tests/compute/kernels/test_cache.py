"""Keys and values that kernels store and move, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from svlm_cli.compute.route import CopyRange
from tests.compute.kernels.device import INTERPRETED, large, on_device
from tests.compute.kernels.numbers import DTYPES, alike, noise, tables

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(4, 2, 64), (3, 1, 16), *large((28, 4, 128))])
@pytest.mark.parametrize("nowhere", [(), (0, 5, 36)])
def test_rotation_on_the_way_to_the_cache(
    dtype: torch.dtype, heads: int, kv_heads: int, size: int, nowhere: tuple[int, ...]
) -> None:
    """Guards tokens that are stored nowhere, and heads that do not fill the last block."""
    count, places = 37, 90
    qkv, (cos, sin) = noise(count, (heads + 2 * kv_heads) * size, dtype=dtype), tables(count, size, seed=1)
    rows = torch.randperm(places, generator=torch.Generator().manual_seed(2))[:count]
    rows[list(nowhere)] = -1
    pools = [noise(places, kv_heads, size, seed=3 + index, dtype=dtype) for index in range(3)]
    ours, theirs = [on_device(pool) for pool in pools], [pool.float() for pool in pools]
    query = ops.rotate_and_store(on_device(qkv), on_device(cos), on_device(sin), on_device(rows), *ours)
    alike(query, ops.rotate_and_store(qkv.float(), cos, sin, rows, *theirs), dtype)
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)


SLOTS = {
    "some slide, some jump": [
        [CopyRange(900, 3, 20), CopyRange(100, 23, 800), CopyRange(1200, 823, 800)],
        [CopyRange(2005, 2003, 95), CopyRange(2500, 2098, 400)],
        [CopyRange(2950, 2960, 1), CopyRange(2951, 2953, 1)],
    ],
    "runs on and beside the edge of a block": [
        [
            CopyRange(2, 1, 127),
            CopyRange(130, 128, 128),
            CopyRange(300, 256, 129),
            CopyRange(500, 385, 256),
            CopyRange(800, 641, 1),
        ]
    ],
    "jumps on and beside the edge of a block": [
        [CopyRange(600, 1, 127), CopyRange(10, 300, 1)],
        [CopyRange(1600, 1001, 128), CopyRange(1010, 1300, 1)],
        [CopyRange(2600, 2001, 129), CopyRange(2010, 2300, 1)],
    ],
    "one slot has nothing to move": [[CopyRange(5, 4, 3)], [], [CopyRange(2000, 1000, 2)]],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kv_heads", "size"), [(1, 16), (2, 256), *large((2, 64), (4, 128))])
@pytest.mark.parametrize("room", [1 << 28, 0])
@pytest.mark.parametrize("case", SLOTS)
def test_moving_within_slots(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, kv_heads: int, size: int, room: int, case: str
) -> None:
    """Guards places that are written to before they are read: some slide, some jump, some of them backwards. All layers
    at once, and one after the other.
    """
    from svlm_cli.compute.kernels import cache

    monkeypatch.setattr(cache, "_STAGED_BYTES", room)
    layers, places, slots = 2 if INTERPRETED else 3, 3000, SLOTS[case]
    count = sum(run.rows for slot in slots for run in slot)
    cos, sin = tables(count, size, seed=4)
    pools = [noise(layers, places, kv_heads, size, seed=index, dtype=dtype) for index in range(3)]
    ours, theirs = [on_device(pool) for pool in pools], [pool.float() for pool in pools]
    ops.move(ours[0], ours[1], ours[2], slots, on_device(cos), on_device(sin))
    ops.move(theirs[0], theirs[1], theirs[2], slots, cos, sin)
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)
