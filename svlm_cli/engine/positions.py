"""The 3-D rotary positions (t, h, w) of a sequence of spans.

Pure. Contiguous positions are those of the spans that are left, counted from 0 as if nothing had ever been evicted
(StreamingVLM, arXiv 2510.09608, section 3.1). Knows no tensor and no history.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from svlm_cli.engine.prompt import Span, count_ids

Positions = NDArray[np.float64]
"""``[N, 3]``: t, h, w of each token. t may be fractional."""


def video_block(grid: tuple[int, int, int], seconds_per_pair: float, tokens_per_second: float) -> Positions:
    """Positions of a video block that starts at 0, `[t * h * w, 3]` in raster order.

    t advances by `tokens_per_second * seconds_per_pair` a frame pair, its fraction kept (the stock library truncates).
    """
    t, h, w = np.indices(grid).reshape(3, -1)
    return np.stack([t * (tokens_per_second * seconds_per_pair), h, w], axis=1)


@lru_cache(maxsize=64)
def _block(grid: tuple[int, int, int], seconds_per_pair: float, tokens_per_second: float) -> tuple[Positions, float]:
    """And how far it reaches. Every round has the same; nobody writes to it."""
    block = video_block(grid, seconds_per_pair, tokens_per_second)
    return block, float(block.max())


@lru_cache(maxsize=256)
def _count(length: int) -> Positions:
    """Positions of a text that starts at 0. Nobody writes to them."""
    return np.repeat(np.arange(length, dtype=np.float64)[:, None], 3, axis=1)


def positions(
    spans: Sequence[Span], *, seconds_per_pair: float, tokens_per_second: float, start: float = 0.0
) -> tuple[Positions, float]:
    """Positions of all tokens, `[N, 3]`, and the position of the token that would come next.

    Text advances all three axes by 1; after a video block, text goes on at the block's largest position + 1.
    """
    where = np.empty((count_ids(spans), 3))
    at, begin, text = start, 0, 0  # where the text since the last block began, its first token, and its length
    for span in spans:
        if span.grid is None:
            text += len(span.ids)
            continue
        block, reach = _block(span.grid, seconds_per_pair, tokens_per_second)
        np.add(_count(text + 1), at, out=where[begin : begin + text + 1])
        begin, at = begin + text + 1, at + text + 1
        np.add(block, at, out=where[begin : begin + len(block)])
        begin, at, text = begin + len(block), at + reach + 1, 1
    np.add(_count(len(where) - begin), at, out=where[begin:])
    return where, at + text
