"""Products of a single row and in eight bits by kernels, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import fp8, ops
from tests.compute.kernels.numbers import DTYPES, alike, both, noise

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("rows", [1, 2, 5, 23, 48, 300])
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
@pytest.mark.parametrize(("inner", "size"), [(50, 48), (18944, 3584)])
def test_a_gated_row(dtype: torch.dtype, inner: int, size: int) -> None:
    """Guards channels that do not fill the last block, and gates that are taken for what they let through."""
    x, weight = noise(1, size, dtype=dtype), noise(2 * inner, size, seed=1, dtype=dtype) / size**0.5
    alike(*both(ops.gated_linear, x, weight), dtype)
    eight = fp8.quantise(weight.cuda())
    wide = ops.gated_linear(x.float(), eight.widened(torch.float32).cpu())
    alike(ops.gated_linear(x.cuda(), eight), wide, dtype)


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
