"""Which moments are sampled: picture k of a source is the newest one whose time is <= start + k / fps.

Pure arithmetic, shared by all readers, so that all sample the same moments.
"""

import math
from fractions import Fraction

from svlm_cli.core.errors import UsageError

ON_TIME_S = 0.0005
"""A picture may be this late and still count: containers round times, Matroska to milliseconds."""


def frame_rate(fps: float) -> Fraction:
    """The rate as a fraction that ffmpeg can take exactly, so that clocks do not drift; `UsageError` below 1/1000."""
    if not (math.isfinite(fps) and 0.001 <= fps <= 1000):
        raise UsageError(f"fps must be between 0.001 and 1000, not {fps:g}.")
    return Fraction(fps).limit_denominator(1_000_000)


def moment(start_s: float, index: int, rate: Fraction) -> float:
    """The time of sample `index`. Computed from integers, so it does not drift over days."""
    return start_s + index * rate.denominator / rate.numerator


def moments_before(start_s: float, end_s: float, rate: Fraction) -> int:
    """How many samples lie before `end_s`."""
    return max(0, math.ceil((end_s - ON_TIME_S - start_s) * rate))
