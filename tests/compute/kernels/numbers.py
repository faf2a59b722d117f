"""What the tests of kernels share: the same noise everywhere, and how far from float32 a result may be."""

from collections.abc import Callable

import torch
from torch import Tensor

from svlm_cli.compute.rotary import both_ways, rotary_tables
from tests.compute.kernels.device import INTERPRETED, on_device

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-3}  # of the relative norm: bfloat16 keeps 8 bits
DTYPES = (
    [torch.float32] if INTERPRETED else list(TOLERANCE)
)  # numpy, which computes for the interpreter, has no bfloat16


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """The same numbers in any dtype, rounded to it."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def tables(count: int, size: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Rotary tables of any angles: their halves are alike, as kernels expect."""
    return rotary_tables(both_ways(noise(count, size // 2, seed=seed)))


def alike(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    """By the norm of the difference, relative to that of `expected`."""
    error = (found.cpu().float() - expected.float()).norm() / expected.float().norm()
    assert error < TOLERANCE[dtype], error


def both(function: Callable[..., Tensor], *arguments: Tensor, **others: float) -> tuple[Tensor, Tensor]:
    """By its kernel, and in plain PyTorch in float32."""
    wide = [one.float() if one.is_floating_point() else one for one in arguments]
    return function(*(on_device(one) for one in arguments), **others), function(*wide, **others)
