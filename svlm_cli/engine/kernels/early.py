"""Kernels that begin while the one before them is still at work: programmatic dependent launch, from Hopper on.

Until such a kernel waits, it may read weights, and nothing that another kernel has written; nor may it write.
"""

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from svlm_cli.engine.flash import HOPPER


def early(x: Tensor) -> dict[str, bool]:
    """How to launch a kernel that has `EARLY`, where `x` is."""
    may = x.is_cuda and _can(x.device)
    return {"EARLY": may, "launch_pdl": may}


@cache
def _can(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= HOPPER


@triton.jit
def let_the_next_begin(EARLY: tl.constexpr):
    """Once all programs of this kernel have said so, or ended."""
    if EARLY:
        gdc_launch_dependents()


@triton.jit
def wait_for_the_last(EARLY: tl.constexpr):
    """Until all that the kernels before have written can be read."""
    if EARLY:
        gdc_wait()
