"""What the tests of kernels share: the same noise everywhere, and how far from float32 a result may be."""

from collections.abc import Callable

import torch
from torch import Tensor

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-3}  # of the relative norm: bfloat16 keeps 8 bits
DTYPES = list(TOLERANCE)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """The same numbers in any dtype, rounded to it."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def alike(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    error = (found.cpu().float() - expected.float()).norm() / expected.float().norm()
    assert error < TOLERANCE[dtype], error


def both(function: Callable[..., Tensor], *arguments: Tensor, **others: float) -> tuple[Tensor, Tensor]:
    """On the GPU as they are, on the CPU in float32."""
    wide = [one.float() if one.is_floating_point() else one for one in arguments]
    return function(*(one.cuda() for one in arguments), **others), function(*wide, **others)
