"""Percentile bootstrap over whole videos, because parts of one are not independent. Does not know what is counted."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.scores import INTERVAL, RESAMPLES, Estimate

NOTHING: Final = Estimate(None, None, None)
FEW_VIDEOS: Final = 10  # with fewer, intervals are unreliable


def drawn_times(videos: int, seed: int) -> NDArray[np.int64]:
    """``[R, videos]``: how often each video is drawn, in as many draws as videos. A single one is not drawn."""
    if videos < 2:
        return np.zeros((0, videos), np.int64)
    return np.random.default_rng(seed).multinomial(videos, np.full(videos, 1 / videos), size=RESAMPLES)


def estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """A rate with its interval, which contains it; resamples with nothing to divide are ignored."""
    if math.isnan(value):
        return NOTHING
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Estimate(float(value), None, None)
    low, high = np.quantile(known, INTERVAL).tolist()
    return Estimate(float(value), min(low, float(value)), max(high, float(value)))
