"""Attention of single queries by a kernel, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import ops
from tests.compute.kernels.numbers import DTYPES, alike, both, noise

pytestmark = pytest.mark.gpu


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
