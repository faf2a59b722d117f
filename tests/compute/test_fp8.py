"""Weights in fp8 against the same in float32."""

import pytest
import torch

from svlm_cli.compute import fp8


@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (512, 2048)])
def test_a_product_stays_within_four_per_cent(rows: int, columns: int) -> None:
    random = torch.Generator().manual_seed(0)
    weight, x = torch.randn(rows, columns, generator=random), torch.randn(256, columns, generator=random)
    weight *= torch.logspace(-3, 3, rows)[:, None]  # channels differ by a million
    bias = torch.randn(rows, generator=random)
    expected = x @ weight.T + bias
    error = fp8.quantise(weight).matmul(x, bias) - expected
    assert (error.norm(dim=0) / expected.norm(dim=0)).max() < 0.04


def test_zeros_and_large_numbers_stay_what_they_are() -> None:
    weight = torch.tensor([[0.0, 0.0], [1e6, -1e6], [1e-6, 0.0]])
    found = fp8.quantise(weight).dequantised(torch.float32)
    torch.testing.assert_close(found, weight, rtol=1e-6, atol=0)
    assert fp8.quantise(weight).values.element_size() == 1
