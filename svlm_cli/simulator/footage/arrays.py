"""The few words that numpy and torch spell differently. Knows neither scenes nor pictures.

Only additions, products, quotients of arrays, comparisons, floors and integer arithmetic are used with it: both round
those alike, so that both draw the same pixels. Torch on a GPU divides by a plain number by multiplying with its
inverse, so the code does that too, but for powers of two.
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
    compiled: bool = False  # by torch

    def run(self, step: Callable[..., Any], *inputs: Any) -> Any:
        """`step` of these arrays and the inputs, all of which are there."""
        return (_compiled(self.xp, step) if self.compiled else step)(self, *inputs)

    def put(self, array: NDArray[Any]) -> Any:
        """An array of the host, there. A GPU fetches it when it comes to that, and nobody waits."""
        there = self.xp.asarray(np.ascontiguousarray(array))
        if self.device is None:
            return there
        if str(self.device).startswith("cuda"):
            there = there.pin_memory()
        return there.to(self.device, non_blocking=True)

    def arange(self, count: int) -> Any:
        return self.xp.arange(count) if self.device is None else self.xp.arange(count, device=self.device)

    def to(self, array: Any, name: str) -> Any:
        """With another type of numbers: ``int32``, ``int64``, ``float32`` or ``uint8``."""
        kind = getattr(self.xp, name)
        return array.astype(kind) if self.xp is np else array.to(kind)

    def repeat(self, array: Any, counts: Any, total: int) -> Any:
        """Each row as often as `counts` says, which is `total` together: so no device has to be asked."""
        if self.xp is np:
            return np.repeat(array, counts, axis=0)
        return self.xp.repeat_interleave(array, counts, dim=0, output_size=total)

    def wave(self, turns: Any) -> Any:
        """Nearly a sine of period 1, out of parabolas."""
        part = turns - self.xp.floor(turns)
        high = part < 0.5
        half = self.xp.where(high, part, part - 0.5) * 2
        arc = half * (1 - half) * 4
        return self.xp.where(high, arc, -arc)

    def hashed(self, numbers: Any) -> Any:
        """int32 -> int32, each bit as if drawn."""
        mixed = numbers * 668265263
        mixed = (mixed ^ (mixed >> 15)) * 2146121005
        mixed = (mixed ^ (mixed >> 13)) * 1274126177
        return mixed ^ (mixed >> 16)


@cache
def _compiled(torch: Any, step: Callable[..., Any]) -> Callable[..., Any]:
    """Once in a process, for sizes that change from batch to batch."""
    compiled: Callable[..., Any] = torch.compile(step, dynamic=True)
    return compiled


def pixel_places(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Across ``[W]`` and down ``[H]``: where the middles of pixels are, in widths of the picture from its middle."""
    height, width = size
    across, down = (np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5 - height / 2) / width
    return across.astype(np.float32), down.astype(np.float32)
