"""Reads windows of annotation files, with the pictures from their videos, and forms batches.

Knows no order of windows and no network.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Chunk
from svlm_cli.jsonl.seeks import StaleIndexError
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor, framed, learned_size
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.training.clips import FileClips
from svlm_cli.training.collate import Batch, collate
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import IGNORED, Layout, Role, Round, WindowTokens
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.records import Record
from svlm_cli.training.texts import WindowTexts

_ABOVE_LEAST = 1.05  # the maximum pixels per picture are at least this times the minimum
_BLACK = (56, 56)  # height and width of a picture, before resizing


@dataclass(frozen=True, slots=True, eq=False)
class ReadClip:
    """A window with its resized pictures; the last one of a second is repeated if their number is odd."""

    tokens: WindowTokens
    pixels: tuple[Tensor, ...]  # per second, uint8 [T, 3, H, W]


@dataclass(frozen=True, slots=True, eq=False)
class Photographed:
    """The pictures of a batch, read from videos."""

    seconds: tuple[Tensor, ...]

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, list[Grid]]:
        """Copy them to the device and cut them into patches."""
        parts = [preprocessor.to_patches(pixels.to(device), dtype=dtype) for pixels in self.seconds]
        return torch.cat([patches for patches, _ in parts]), [grid for _, grid in parts]


class ClipReader:
    """Reads windows as specified by a recipe. Safe to share between threads."""

    def __init__(self, recipe: Recipe, layout: Layout, preprocessor: Preprocessor) -> None:
        self._recipe = recipe
        self._layout = layout
        self._texts = WindowTexts(layout, recipe.windows)
        self._preprocessor = preprocessor

    def read(self, file: FileClips, number: int, fps: float) -> ReadClip:
        """`InputError` if the record is bad, or its video cannot be read or ends too early."""
        clip = file.clip(number)
        record, seconds = clip.record, clip.seconds
        start_s = record.start_s + seconds.start
        end_s = min(record.start_s + seconds.stop, record.end_s)
        shown = show(record, start_s, end_s, fps=fps, enough_pixels=self._recipe.policy.vision.enough_pixels)
        if len(shown) < len(seconds):
            raise InputError(
                f"{record.video} has no pictures from {start_s + len(shown):g} s on.",
                "Correct the times in its record.",
            )
        most = self._most_pixels(sum(len(chunk.frames) for chunk in shown))
        pixels = tuple(self._pixels(chunk, most) for chunk in shown)
        grids = [self._preprocessor.merged_grid(len(one), *one.shape[2:]) for one in pixels]
        return ReadClip(self._texts.tokens(clip, shown, grids, fps), pixels)

    def nothing(self) -> Batch:
        """A black second without targets."""
        black = Chunk((np.zeros((*_BLACK, 3), np.uint8),), 0.0, 1.0)
        pixels = self._pixels(black, self._recipe.policy.vision.max_pixels)
        grid = self._preprocessor.merged_grid(len(pixels), *pixels.shape[2:])
        window = self._layout.window([Round(0.0, 1.0, grid, ())], previous=(), query=(), fps=1.0)
        batch = batch_of([ReadClip(window, (pixels,))])
        tokens = batch.tokens
        targets, roles = torch.full_like(tokens.targets, IGNORED), torch.full_like(tokens.roles, Role.NONE)
        return replace(batch, tokens=replace(tokens, targets=targets, roles=roles), count=0, learned=0)

    def _most_pixels(self, frames: int) -> int:
        """The maximum pixels of a picture in a window of `frames`, as published; at least a bit above the minimum."""
        bounds, total = self._recipe.policy.vision, self._recipe.windows.total_pixels
        if not total:
            return bounds.max_pixels
        pairs = frames / self._preprocessor.temporal_patch_size
        return int(max(min(bounds.max_pixels, total / pairs), bounds.min_pixels * _ABOVE_LEAST))

    def _pixels(self, chunk: Chunk, most: int) -> Tensor:
        bounds, preprocessor = self._recipe.policy.vision, self._preprocessor
        frames = [framed(frame, bounds.aspect) for frame in chunk.frames]
        size = learned_size(most, bounds.aspect) if bounds.aspect else frames[-1].shape[:2]
        size = preprocessor.target_size(*size, min_pixels=bounds.min_pixels, max_pixels=most)
        pixels = preprocessor.resize(frames, *size, torch.device("cpu"))
        missing = -len(pixels) % preprocessor.temporal_patch_size
        return torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])


@dataclass(frozen=True, slots=True)
class PendingClip:
    """A window that is being read."""

    place: str
    future: Future[ReadClip]

    @classmethod
    def of(cls, pool: ThreadPoolExecutor, reader: ClipReader, file: FileClips, number: int, fps: float) -> Self:
        """Submit it to the pool."""
        return cls(file.place(number), pool.submit(reader.read, file, number, fps))

    def result(self, exchange: Exchange) -> ReadClip | None:
        """Wait for it; None if it cannot be read, which is reported to `exchange`. A stale index is an error."""
        try:
            return self.future.result()
        except StaleIndexError:
            raise
        except InputError as error:
            exchange.miss(self.place, error.message.rstrip("."))
            return None


def show(record: Record, start_s: float, end_s: float, *, fps: float, enough_pixels: int) -> list[Chunk]:
    """A stretch of a record's video, one second per chunk. `InputError` if it cannot be read."""
    from svlm_cli.sources.windows import read_window  # imported late: training on a simulator needs no ffmpeg

    frames = read_window(record.video, start_s, end_s, fps=fps, enough_pixels=enough_pixels)
    return list(chunks(frames, fps=fps, chunk_seconds=1.0))


def batch_of(clips: Sequence[ReadClip]) -> Batch:
    """The batch of one forward pass."""
    pictures = Photographed(tuple(pixels for clip in clips for pixels in clip.pixels))
    return collate([clip.tokens for clip in clips], pictures)
