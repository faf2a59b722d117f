"""The memory that this process holds, on the host and on a device."""

import os
import resource
import sys

import torch

from svlm_cli.core.process_stats import resident_bytes_of


def resident_bytes() -> int:
    """Resident memory, on Linux; elsewhere its peak."""
    if now := resident_bytes_of(os.getpid()):
        return now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def device_bytes(device: torch.device) -> int:
    """Allocated GPU memory; 0 on a CPU."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
