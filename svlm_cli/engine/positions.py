"""Computes the rotary positions of a sequence of spans.

Pure. Contiguous positions count the spans that are kept from 0, as if nothing had ever been evicted (StreamingVLM,
arXiv 2510.09608, section 3.1). The positions within a video block are up to the family. Knows no tensor and no history.
"""

from collections.abc import Sequence

import numpy as np

from svlm_cli.engine.prompt import Span, count_ids
from svlm_cli.networks.family import Family, Grid, Positions


class Placement:
    """Positions of one family's spans at one frame rate."""

    def __init__(self, family: Family, fps: float, *, whole: bool = False) -> None:
        """`whole` truncates positions in video blocks to integers, as offline models were trained."""
        self._family, self._fps, self._whole = family, fps, whole
        self._blocks: dict[Grid, tuple[Positions, float]] = {}  # by grid, with their extent; most are alike
        self._counting = np.empty((0, family.axes))  # 0, 1, 2, ... on all axes

    def __call__(self, spans: Sequence[Span], start: float = 0.0) -> tuple[Positions, float]:
        """Positions of all tokens, ``[N, A]``, and the position of the next token.

        Text advances all axes by 1; after a video block, text continues at the block's largest position + 1.
        """
        where = np.empty((count_ids(spans), self._family.axes))
        at, begin, text = start, 0, 0  # for the text since the last block: its first position, index and length
        for span in spans:
            if span.grid is None:
                text += len(span.ids)
                continue
            block, reach = self._block(span.grid)
            np.add(self._count(text), at, out=where[begin : begin + text])
            begin, at = begin + text, at + text
            np.add(block, at, out=where[begin : begin + len(block)])
            begin, at, text = begin + len(block), at + reach + 1, 0
        np.add(self._count(text), at, out=where[begin:])
        return where, at + text

    def _block(self, grid: Grid) -> tuple[Positions, float]:
        if grid not in self._blocks:
            block = self._family.block_positions(grid, self._fps)
            block = np.floor(block) if self._whole else block
            self._blocks[grid] = block, float(block.max())
        return self._blocks[grid]

    def _count(self, length: int) -> Positions:
        if length > len(self._counting):
            numbers = np.arange(2 * length, dtype=np.float64)
            self._counting = np.repeat(numbers[:, None], self._family.axes, axis=1)
        return self._counting[:length]
