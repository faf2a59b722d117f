"""Products of a single row and in fp8 by kernels, against the same in plain PyTorch."""

import pytest
import torch

from svlm_cli.compute import fp8, ops
from tests.compute.kernels.device import INTERPRETED, large, on_device
from tests.compute.kernels.numbers import DTYPES, alike, both, noise

pytestmark = pytest.mark.gpu

SHAPES = [(100, 48), (1, 48), (3, 1024), (5, 1023), (33, 513), (8, 1025), (4, 2049)]  # on and beside edges of blocks


@pytest.fixture(params=["few channels", "many channels"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a product of few channels, and of one of many."""
    from svlm_cli.compute.kernels import products

    if request.param == "many channels":
        monkeypatch.setattr(products, "_MANY", 1)


@pytest.mark.skipif(INTERPRETED, reason="the product of several rows is cuBLAS's")
@pytest.mark.parametrize("rows", [1, 2, 5, 23, 48, 300])
@pytest.mark.parametrize(("out", "inner"), [(512, 256), (4608, 3584), (3584, 18944)])
def test_weights_in_fp8(rows: int, out: int, inner: int) -> None:
    """Guards a row of large numbers, and several rows, which are quantised as well."""
    weight = fp8.quantise(noise(out, inner).cuda())
    x, bias = 3000 * noise(rows, inner, seed=1, dtype=torch.bfloat16), noise(out, seed=2, dtype=torch.bfloat16)
    found = ops.linear(x.cuda(), weight, bias.cuda())
    expected = x.float() @ weight.dequantised(torch.float32).cpu().T + bias.float()
    error = (found.cpu().float() - expected).norm() / expected.norm()
    assert error < (5e-3 if rows == 1 else 0.04)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("inner", "size"), [(50, 48), (4, 512), (3, 511), (8, 513), *large((18944, 3584))])
def test_a_gated_row(dtype: torch.dtype, inner: int, size: int) -> None:
    """Guards channels that do not fill the last block, and gates taken for up projections."""
    x, weight = noise(1, size, dtype=dtype), noise(2 * inner, size, seed=1, dtype=dtype) / size**0.5
    alike(*both(ops.gated_linear, x, weight), dtype)
    eight = fp8.quantise(weight)
    wide = ops.gated_linear(x.float(), eight.dequantised(torch.float32))
    ours = fp8.Fp8Weight(on_device(eight.values), on_device(eight.scales))
    alike(ops.gated_linear(on_device(x), ours), wide, dtype)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("out", "inner"), [*SHAPES, *large((4608, 3584), (3584, 18944))])
def test_a_single_row(dtype: torch.dtype, biased: bool, out: int, inner: int) -> None:
    """Guards channels and inner sizes that do not fill the last block."""
    arguments = [noise(1, inner, dtype=dtype), noise(out, inner, seed=1, dtype=dtype)]
    if biased:
        arguments.append(noise(out, seed=2, dtype=dtype))
    found, expected = both(ops.linear, *arguments)
    alike(found, expected, dtype)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("out", "inner"), SHAPES)
def test_a_single_row_times_fp8(biased: bool, out: int, inner: int) -> None:
    """Guards scales of other channels, and blocks that are larger than those of other weights."""
    weight = fp8.quantise(noise(out, inner, seed=1) * torch.logspace(-2, 2, out)[:, None])
    ours = fp8.Fp8Weight(on_device(weight.values), on_device(weight.scales))
    x, bias = noise(1, inner), noise(out, seed=2) if biased else None
    found = ops.linear(on_device(x), ours, None if bias is None else on_device(bias))
    alike(found, ops.linear(x, weight, bias), torch.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [2, 63, 64, 65])
@pytest.mark.parametrize("size", [48, 64, 65])
def test_rows_quantised_to_fp8(dtype: torch.dtype, rows: int, size: int) -> None:
    """Guards a row whose scale is another's, a row of zeros, and rows that a product needs but nobody reads.

    Numbers that need no rounding, since the interpreter takes those just below a power of two for half of it.
    """
    from svlm_cli.compute.kernels import products

    exact = (40 * noise(rows, size)).to(fp8.FORMAT).float()
    exact[:, -1] = fp8.LARGEST
    expected_scales = 2.0 ** (torch.arange(rows) % 15 - 7)[:, None]
    exact[-1], expected_scales[-1] = 0, 1e-12
    values, scales = products.quantise_rows(on_device((exact * expected_scales).to(dtype)), fp8.FORMAT)
    assert len(values) == len(scales) == max(rows, 64)
    assert torch.equal(values[:rows].cpu().float(), exact)
    torch.testing.assert_close(scales[:rows].cpu(), expected_scales, rtol=1e-6, atol=0)
