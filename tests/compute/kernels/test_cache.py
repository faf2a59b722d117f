"""Keys and values that kernels store and move, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from svlm_cli.compute.route import Run
from tests.compute.kernels.numbers import DTYPES, alike, noise, tables

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("heads", "kinds", "size"), [(28, 4, 128), (4, 2, 64), (3, 1, 16)])
def test_rotation_on_the_way_to_the_cache(dtype: torch.dtype, heads: int, kinds: int, size: int) -> None:
    count, places = 37, 90
    qkv, (cos, sin) = noise(count, (heads + 2 * kinds) * size, dtype=dtype), tables(count, size, seed=1)
    rows = torch.randperm(places, generator=torch.Generator().manual_seed(2))[:count]
    pools = [noise(places, kinds, size, seed=3 + index, dtype=dtype) for index in range(3)]
    ours, theirs = [pool.cuda() for pool in pools], [pool.float() for pool in pools]
    query = ops.rotate_and_store(qkv.cuda(), cos.cuda(), sin.cuda(), rows.cuda(), *ours)
    alike(query, ops.rotate_and_store(qkv.float(), cos, sin, rows, *theirs), dtype)
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kinds", "size"), [(4, 128), (2, 64), (1, 16)])
@pytest.mark.parametrize("room", [1 << 28, 0])
def test_moving_within_slots(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, kinds: int, size: int, room: int
) -> None:
    """Guards places that are written to before they are read: some slide, some jump, some of them backwards. All layers
    at once, and one after the other.
    """
    from svlm_cli.compute.kernels import cache

    monkeypatch.setattr(cache, "_STAGED_BYTES", room)
    layers, places = 3, 3000
    slots = [
        [Run(900, 3, 20), Run(100, 23, 800), Run(1200, 823, 800)],
        [Run(2005, 2003, 95), Run(2500, 2098, 400)],
        [Run(2950, 2960, 1), Run(2951, 2953, 1)],
    ]
    count = sum(run.rows for slot in slots for run in slot)
    cos, sin = tables(count, size, seed=4)
    pools = [noise(layers, places, kinds, size, seed=index, dtype=dtype) for index in range(3)]
    ours, theirs = [pool.cuda() for pool in pools], [pool.float() for pool in pools]
    for (keys, rotated, values), on in ((ours, "cuda"), (theirs, "cpu")):
        ops.move(keys, rotated, values, slots, cos.to(on), sin.to(on))
    for found, expected in zip(ours, theirs, strict=True):
        alike(found, expected, dtype)
