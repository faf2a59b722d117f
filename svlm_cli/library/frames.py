"""Checks a caller's own frames one by one. Knows no model: the chunker selects the frames it sees."""

import math
from collections.abc import Iterable, Iterator
from numbers import Real

import numpy as np

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Frame, Picture
from svlm_cli.sources.grid import frame_rate, moment


def timed_frames(
    source: Iterable[Frame | Picture], fps: float | None, *, start_s: float | None, end_s: float | None
) -> Iterator[Frame]:
    """Frames from `start_s` up to `end_s`, exclusive; bare pictures are timed by `fps`. Raises `UsageError`."""
    for index, one in enumerate(source):
        frame = _frame(one, index, fps)
        if start_s is not None and frame.time_s < start_s:
            continue
        if end_s is not None and frame.time_s >= end_s:
            return
        yield frame


def _frame(one: Frame | Picture, index: int, fps: float | None) -> Frame:
    pixels = one.pixels if isinstance(one, Frame) else one
    if not _is_picture(pixels):
        raise UsageError(
            f"Frame {index} is not a picture: {_described(pixels)}.",
            "Give RGB pictures: numpy arrays of uint8, [H, W, 3].",
        )
    if not isinstance(one, Frame):
        if fps is None:
            hint = "Say how many there are per second, as in fps=25, or give Frame objects."
            raise UsageError(f"Frame {index} is a picture without a time.", hint)
        return Frame(one, moment(0.0, index, frame_rate(fps)))
    if fps is not None:
        raise UsageError(f"Frame {index} has a time of its own, so fps cannot be given.", "Leave fps out.")
    if isinstance(one.time_s, bool) or not isinstance(one.time_s, Real) or not math.isfinite(one.time_s):
        raise UsageError(f"The time of frame {index} is {shown(one.time_s)}.", "Give seconds, as a number.")
    return one


def _described(pixels: object) -> str:
    if isinstance(pixels, np.ndarray):
        return f"an array of {pixels.dtype}, {list(pixels.shape)}"
    return f"a {type(pixels).__name__}"


def _is_picture(pixels: object) -> bool:
    """Accepts any value: a list, a tensor, another array type, an empty array."""
    return (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and pixels.size > 0
    )
