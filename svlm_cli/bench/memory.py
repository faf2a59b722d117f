"""How much memory this process holds, on the host and on a device."""

import resource
import sys
from pathlib import Path

import torch

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Resident memory now, on Linux; elsewhere the highest it has been."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def device_bytes(device: torch.device) -> int:
    """Allocated on a GPU now; 0 on a CPU."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
