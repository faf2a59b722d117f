"""How many pictures of the simulator a device draws per second.

Measures what training waits for: copying scenes to the device, and drawing. Knows no model, no file and no terminal;
`report.py` prints the results.
"""

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from svlm_cli.compute.device import wait
from svlm_cli.simulator.match.match import Match, Scenes
from svlm_cli.simulator.match.render import draw

MATCHES = 16  # in one batch, as in training
_WARM_UP = 3  # in batches


@dataclass(frozen=True, slots=True)
class Drawing:
    """Batches of pictures, drawn one after another."""

    device: str
    batch: int  # pictures per batch
    batches: int
    batch_s_median: float
    frames_per_s: float  # at the median


def scenes(count: int) -> Scenes:
    """`count` moments, a second apart, of several matches."""
    lengths = [len(range(match, count, MATCHES)) for match in range(min(MATCHES, count))]
    return Scenes.join([Match(seed).scenes(np.arange(length)) for seed, length in enumerate(lengths)])


def measure(device: torch.device, *, batch: int, batches: int) -> Drawing:
    """Draw the same `batch` pictures `batches` times, after a warm-up."""
    shown = scenes(batch)
    seconds: list[float] = []
    for _ in range(_WARM_UP + batches):
        started = time.perf_counter()
        draw(torch, shown, device=device)
        wait(device)
        seconds.append(time.perf_counter() - started)
    typical = median(seconds[_WARM_UP:])
    return Drawing(str(device), batch, batches, typical, batch / typical)
