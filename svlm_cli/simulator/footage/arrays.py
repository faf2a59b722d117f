"""The few operations that numpy and torch spell differently. Knows neither scenes nor pictures.

The drawing code uses additions, products, quotients of arrays, comparisons, floors and integer arithmetic only. Both
libraries round these alike, so both draw the same pixels. On a GPU, torch replaces a division by a Python number by a
multiplication with its reciprocal; so the code does that too, except for powers of two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Arrays:
    """numpy, or torch on a device."""

    xp: Any
    device: Any = None
    compiled: bool = False  # by torch.compile

    def run(self, step: Callable[..., Any], *inputs: Any) -> Any:
        """Call `step` with these arrays and the inputs, which must be on the device."""
        return (_compiled(self.xp, step) if self.compiled else step)(self, *inputs)

    def put(self, array: NDArray[Any]) -> Any:
        """Copy an array from the host to the device. A copy to a GPU is asynchronous."""
        there = self.xp.asarray(np.ascontiguousarray(array))
        if self.device is None:
            return there
        if str(self.device).startswith("cuda"):
            there = there.pin_memory()
        return there.to(self.device, non_blocking=True)

    def arange(self, count: int) -> Any:
        return self.xp.arange(count) if self.device is None else self.xp.arange(count, device=self.device)

    def to(self, array: Any, name: str) -> Any:
        """Convert to another type: ``int32``, ``int64``, ``float32`` or ``uint8``."""
        kind = getattr(self.xp, name)
        return array.astype(kind) if self.xp is np else array.to(kind)

    def repeat(self, array: Any, counts: Any, total: int) -> Any:
        """Repeat each row `counts` times. `total` is the sum of `counts`; with it, torch need not synchronise."""
        if self.xp is np:
            return np.repeat(array, counts, axis=0)
        return self.xp.repeat_interleave(array, counts, dim=0, output_size=total)

    def wave(self, turns: Any) -> Any:
        """An approximate sine of period 1, made of parabolas."""
        part = turns - self.xp.floor(turns)
        high = part < 0.5
        half = self.xp.where(high, part, part - 0.5) * 2
        arc = half * (1 - half) * 4
        return self.xp.where(high, arc, -arc)

    def hashed(self, numbers: Any) -> Any:
        """A hash, int32 -> int32: each bit looks random."""
        mixed = numbers * 668265263
        mixed = (mixed ^ (mixed >> 15)) * 2146121005
        mixed = (mixed ^ (mixed >> 13)) * 1274126177
        return mixed ^ (mixed >> 16)


@cache
def _compiled(torch: Any, step: Callable[..., Any]) -> Callable[..., Any]:
    """Compile once per process, for sizes that change from batch to batch."""
    compiled: Callable[..., Any] = torch.compile(step, dynamic=True)
    return compiled


def pixel_places(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coordinates x ``[W]`` and y ``[H]`` of the pixels' centres, in picture widths from the picture's middle."""
    height, width = size
    across, down = (np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5 - height / 2) / width
    return across.astype(np.float32), down.astype(np.float32)
