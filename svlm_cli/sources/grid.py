"""Which moments are looked at: picture k of a source is the newest one whose time is <= start + k / fps.

Pure arithmetic, shared by everyone who chooses pictures, so that all choose the same.
"""

import math
from fractions import Fraction

from svlm_cli.core.errors import UsageError

ON_TIME_S = 0.0005
"""A picture that comes this much too late still counts: containers round times, Matroska to milliseconds."""


def frame_rate(fps: float) -> Fraction:
    """The rate as a ratio that ffmpeg takes too, so that no clock drifts from another; `UsageError` below 1/1000."""
    if not (math.isfinite(fps) and 0.001 <= fps <= 1000):
        raise UsageError(f"fps must be between 0.001 and 1000, not {fps:g}.")
    return Fraction(fps).limit_denominator(1_000_000)


def moment(start_s: float, index: int, rate: Fraction) -> float:
    """When picture `index` is looked at. From integers: days later there is no drift."""
    return start_s + index * rate.denominator / rate.numerator


def moments_before(start_s: float, end_s: float, rate: Fraction) -> int:
    """How many of the moments lie before `end_s`."""
    return max(0, math.ceil((end_s - ON_TIME_S - start_s) * rate))
