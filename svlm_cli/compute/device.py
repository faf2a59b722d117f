"""Resolves `--device` and `--dtype` to torch's own, and manages a device. Knows no model."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svlm_cli.core.errors import UsageError

_STAGED_BYTES = 1 << 16  # the most that CUDA copies from pageable memory without blocking

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "fp8": torch.float8_e4m3fn,  # for the language model's weights; everything else as with `auto`
}


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` selects the GPU, if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"There is no device called {name or 'nothing'}.", "Use auto, cpu, cuda or cuda:N.") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"Device {name} is not supported.", "Use auto, cpu, cuda or cuda:N.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"Device {name} does not exist here.", "Run `svlm doctor` to see which devices do.")
    return device


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` selects bfloat16 on a GPU and float32 on a CPU."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise UsageError(f"There is no dtype called {name}.", f"Use auto, {', '.join(DTYPES)}.")
    return DTYPES[name]


def dtype_name(dtype: torch.dtype) -> str:
    """The name of the dtype for `--dtype`."""
    return next(name for name, one in DTYPES.items() if one == dtype)


def hardware_name(device: torch.device) -> str:
    """The display name of the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def computing_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The dtype to compute in when weights are stored in `dtype`."""
    return resolve_dtype("auto", device) if dtype == DTYPES["fp8"] else dtype


def free_bytes(device: torch.device) -> int | None:
    """Free memory of the device; None if the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """How much memory of a GPU this process holds, in bytes."""

    name: str
    held: int
    total: int


def held_memory(device: torch.device) -> HeldMemory | None:
    """None for a CPU. Counted by torch, because a driver call could disturb the recording of a graph."""
    if device.type != "cuda":
        return None
    about = torch.cuda.get_device_properties(device)
    return HeldMemory(about.name, torch.cuda.memory_reserved(device), about.total_memory)


def settle(device: torch.device) -> None:
    """Exempt all loaded objects from garbage collection, which would take longer than many a GPU step."""
    if device.type == "cuda":
        gc.collect()
        gc.freeze()


def wait(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def upload(values: NDArray[Any] | Sequence[int] | Sequence[tuple[int, int]], device: torch.device) -> Tensor:
    """Copy host numbers to `device` without waiting. A copy costs as much as a kernel launch, so copy once."""
    host = torch.from_numpy(np.asarray(values))
    if device.type == "cuda" and host.nbytes > _STAGED_BYTES:
        host = host.pin_memory()
    return host.to(device, non_blocking=True)
