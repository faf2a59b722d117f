"""Batches from annotation files: threads read the windows' pictures from the videos.

Which windows a step has follows from the seed and the step. One that cannot be read leaves its batch one smaller: it
is named and counted, and no other takes its place. A batch that has none left is a black second of which nothing is
learned, since other ranks need this one's part in the forward pass. Knows no network.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Chunk
from svlm_cli.jsonl.seeks import StaleIndexError
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.training.clips import Clips, FileClips
from svlm_cli.training.collate import IGNORED, Batch, collate
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import Layout, Role, Round, WindowTokens
from svlm_cli.training.log import Say, to_nobody
from svlm_cli.training.matches import fps_of
from svlm_cli.training.overlap import text_of
from svlm_cli.training.ranks import ALONE
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.records import Skipped, read_records
from svlm_cli.training.share import Share
from svlm_cli.training.texts import WindowTexts

_AHEAD = 2  # batches
_ABOVE_LEAST = 1.05  # the most pixels of a picture, at least, by the least
_BLACK = (56, 56)  # pixels of a picture, before it is resized


@dataclass(frozen=True, slots=True, eq=False)
class ReadClip:
    """A window with its pictures, resized, each second's last one repeated if it had no partner."""

    tokens: WindowTokens
    pixels: tuple[Tensor, ...]  # of each second, uint8 [T, 3, H, W]


@dataclass(frozen=True, slots=True, eq=False)
class Photographed:
    """The pictures of a batch."""

    seconds: tuple[Tensor, ...]

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, list[Grid]]:
        """Brings them to the device and cuts them."""
        parts = [preprocessor.to_patches(pixels.to(device), dtype=dtype) for pixels in self.seconds]
        return torch.cat([patches for patches, _ in parts]), [grid for _, grid in parts]


class AnnotatedData:
    """Batches of a recipe's annotation files, from any step on, or one rank's share of them.

    `InputError` if too much of them is bad.
    """

    def __init__(
        self,
        recipe: Recipe,
        layout: Layout,
        preprocessor: Preprocessor,
        say: Say,
        share: Share | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        self._recipe = recipe
        self._layout = layout
        self._texts = WindowTexts(layout, recipe.windows)
        self._preprocessor = preprocessor
        self._share = share or Share.of(recipe.optimisation)
        allowed, share_allowed = recipe.data.annotations.bad_allowed, recipe.data.annotations.bad_share
        self._exchange = exchange or Exchange(ALONE, Skipped(allowed, say, share_allowed), self._share.step)
        skipped = self._exchange.skipped
        self._clips = Clips(recipe, skipped, say)
        say(self._told(skipped.count))
        self._pool = ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="clips")

    @property
    def windows(self) -> int:
        """Of an epoch."""
        return self._clips.epoch

    def _told(self, skipped: int) -> str:
        """How many windows there are, and how many an epoch has, if that is another number."""
        clips, least = self._clips, self._recipe.windows.words_per_second
        epoch = f", {clips.epoch} an epoch" if clips.epoch != len(clips) else ""
        if self._recipe.windows.whole_rows:
            return f"{len(clips)} windows{epoch}"
        left_out = f", {clips.left_out} left out with fewer than {least:g} words a second" if least else ""
        return f"{len(clips)} windows{epoch}{left_out}, {skipped} records skipped"

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches of all steps from `first_step` on; each epoch in an order of its own."""
        coming = self._reading(first_step)
        count = (self._recipe.optimisation.steps - first_step) * len(self._share.passes)
        started = deque(islice(coming, _AHEAD))
        for _ in range(count):
            batch = started.popleft()
            started += islice(coming, 1)
            read = [clip for place, future in batch if (clip := self._result(place, future)) is not None]
            if not read:
                yield self._nothing()
                continue
            pictures = Photographed(tuple(pixels for clip in read for pixels in clip.pixels))
            yield collate([clip.tokens for clip in read], pictures)

    def close(self) -> None:
        """Stops reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _reading(self, first_step: int) -> Iterator[list[tuple[str, Future[ReadClip]]]]:
        """The batches from a step on, being read."""
        for step in range(first_step, self._recipe.optimisation.steps):
            fps = fps_of(self._recipe, step)
            for places in self._share.passes:
                clips = [self._clips.at(step * self._share.step + place) for place in places]
                yield [(file.place(number), self._pool.submit(self._read, file, number, fps)) for file, number in clips]

    def _result(self, place: str, future: Future[ReadClip]) -> ReadClip | None:
        try:
            return future.result()
        except StaleIndexError:
            raise
        except InputError as error:
            self._exchange.miss(place, error.message.rstrip("."))
            return None

    def _nothing(self) -> Batch:
        """A black second of which nothing is learned."""
        black = Chunk((np.zeros((*_BLACK, 3), np.uint8),), 0.0, 1.0)
        pixels = self._pixels(black, self._recipe.policy.vision.max_pixels)
        grid = self._preprocessor.merged_grid(len(pixels), *pixels.shape[2:])
        window = self._layout.window([Round(0.0, 1.0, grid, ())], previous=(), query=(), fps=1.0)
        batch = collate([window], Photographed((pixels,)))
        tokens = batch.tokens
        targets, roles = torch.full_like(tokens.targets, IGNORED), torch.full_like(tokens.roles, Role.NONE)
        return replace(batch, tokens=replace(tokens, targets=targets, roles=roles), count=0, learned=0)

    def _read(self, file: FileClips, number: int, fps: float) -> ReadClip:
        from svlm_cli.sources.windows import read_window  # training from a simulator needs no ffmpeg

        clip = file.clip(number)
        record, seconds = clip.record, clip.seconds
        start_s = record.start_s + seconds.start
        end_s = min(record.start_s + seconds.stop, record.end_s)
        enough_pixels = self._recipe.policy.vision.enough_pixels
        frames = read_window(record.video, start_s, end_s, fps=fps, enough_pixels=enough_pixels)
        shown = list(chunks(frames, fps=fps, chunk_seconds=1.0))
        if len(shown) < len(seconds):
            raise InputError(f"{record.video} has no pictures from {start_s + len(shown):g} s on.", "Mend its times.")
        most = self._most_pixels(sum(len(chunk.frames) for chunk in shown))
        pixels = tuple(self._pixels(chunk, most) for chunk in shown)
        grids = [self._preprocessor.merged_grid(len(one), *one.shape[2:]) for one in pixels]
        return ReadClip(self._texts.tokens(clip, shown, grids, fps), pixels)

    def _most_pixels(self, frames: int) -> int:
        """Of a picture in a window of so many, as the published reader has it: at least a little above the least."""
        bounds, total = self._recipe.policy.vision, self._recipe.windows.total_pixels
        if not total:
            return bounds.max_pixels
        pairs = frames / self._preprocessor.temporal_patch_size
        return int(max(min(bounds.max_pixels, total / pairs), bounds.min_pixels * _ABOVE_LEAST))

    def _pixels(self, chunk: Chunk, most: int) -> Tensor:
        bounds, preprocessor = self._recipe.policy.vision, self._preprocessor
        size = preprocessor.target_size(*chunk.frames[-1].shape[:2], min_pixels=bounds.min_pixels, max_pixels=most)
        pixels = preprocessor.resize(chunk.frames, *size, torch.device("cpu"))
        missing = -len(pixels) % preprocessor.temporal_patch_size
        return torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])


def annotated_texts(recipe: Recipe) -> Iterable[str]:
    """All that is said in the annotation files, for a tokenizer to learn from."""
    annotations = recipe.data.annotations
    videos = Path(annotations.videos) if annotations.videos else None
    skipped = Skipped(annotations.bad_allowed, to_nobody, annotations.bad_share)
    for record in read_records([Path(file) for file in annotations.files], videos, skipped):
        yield record.previous
        yield text_of(word.text for word in record.words)
        yield from (text for one in record.questions for text in (one.question, one.answer))
