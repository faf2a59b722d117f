"""Batches from annotation files: records are cut into windows, and threads read their pictures from the videos.

The order of windows follows from the seed and the step. A window that cannot be read leaves its batch one smaller: it
is named and counted, and no other takes its place. A rank that has none left learns nothing from a black second, since
the others need its part in the forward pass. Knows no network.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Chunk
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.training.collate import IGNORED, Batch, collate
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import Layout, Role, Round, WindowTokens
from svlm_cli.training.log import Say
from svlm_cli.training.matches import fps_of
from svlm_cli.training.overlap import previous_ids, second_of, text_of, windows
from svlm_cli.training.ranks import ALONE
from svlm_cli.training.recipe import QueryRule, Recipe
from svlm_cli.training.records import Record, Skipped, read_records
from svlm_cli.training.share import Share

_AHEAD = 2  # batches
_BLACK = (56, 56)  # pixels of a picture, before it is resized


@dataclass(frozen=True, slots=True)
class Clip:
    """A window of a record."""

    record: Record
    seconds: range  # of the record
    words: int  # that are said in them


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
        self._preprocessor = preprocessor
        self._share = share or Share.of(recipe.optimisation)
        self._exchange = exchange or Exchange(ALONE, Skipped(recipe.data.annotations.bad_allowed, say))
        skipped = self._exchange.skipped
        found = list(_clips(recipe, skipped))
        least = recipe.windows.words_per_second
        self._clips = [clip for clip in found if clip.words >= least * len(clip.seconds)]
        quiet = len(found) - len(self._clips)
        if not self._clips and quiet:
            raise InputError(
                f"Each of the {quiet} windows in the annotation files has fewer than {least:g} words a second.",
                "Lower windows.words_per_second.",
            )
        if not self._clips:
            raise InputError("The annotation files hold no window.", "Check data.annotations.files and [windows].")
        left_out = f", {quiet} left out with fewer than {least:g} words a second" if least else ""
        say(f"{len(self._clips)} windows{left_out}, {skipped.count} records skipped")
        self._pool = ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="clips")

    def __len__(self) -> int:
        return len(self._clips)

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches of all steps from `first_step` on; each epoch in an order of its own."""
        coming = self._reading(first_step)
        count = (self._recipe.optimisation.steps - first_step) * len(self._share.passes)
        started = deque(islice(coming, _AHEAD))
        for _ in range(count):
            batch = started.popleft()
            started += islice(coming, 1)
            read = [clip for place, future in batch if (clip := self._result(place, future)) is not None]
            if not read and self._exchange.ranks.count == 1:
                raise InputError("Not one window of a batch could be read.", "See what was skipped above.")
            if not read:
                yield self.nothing()
                continue
            yield batch_of(read)

    def close(self) -> None:
        """Stops reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _reading(self, first_step: int) -> Iterator[list[tuple[str, Future[ReadClip]]]]:
        """The batches from a step on, being read."""
        for step in range(first_step, self._recipe.optimisation.steps):
            fps = fps_of(self._recipe, step)
            for places in self._share.passes:
                clips = [self.clip(step * self._share.step + place) for place in places]
                yield [(name_of(clip), self._pool.submit(self.read, clip, fps)) for clip in clips]

    def clip(self, place: int) -> Clip:
        """The window at a place, counted from the first step on: each once, then each again in another order."""
        epoch, index = divmod(place, len(self._clips))
        order = np.random.default_rng([self._recipe.data.seed, 2, epoch]).permutation(len(self._clips))
        return self._clips[int(order[index])]

    def _result(self, place: str, future: Future[ReadClip]) -> ReadClip | None:
        try:
            return future.result()
        except InputError as error:
            self._exchange.miss(place, error.message.rstrip("."))
            return None

    def nothing(self) -> Batch:
        """A black second of which nothing is learned."""
        pixels = self._pixels(Chunk((np.zeros((*_BLACK, 3), np.uint8),), 0.0, 1.0))
        grid = self._preprocessor.merged_grid(len(pixels), *pixels.shape[2:])
        window = self._layout.window([Round(0.0, 1.0, grid, ())], previous=(), query=(), fps=1.0)
        batch = collate([window], Photographed((pixels,)))
        tokens = batch.tokens
        targets, roles = torch.full_like(tokens.targets, IGNORED), torch.full_like(tokens.roles, Role.NONE)
        return replace(batch, tokens=replace(tokens, targets=targets, roles=roles), count=0, learned=0)

    def read(self, clip: Clip, fps: float) -> ReadClip:
        """Its tokens and pictures. `InputError` if its video cannot be read, or ends too early."""
        record, seconds = clip.record, clip.seconds
        start_s = record.start_s + seconds.start
        end_s = min(record.start_s + seconds.stop, record.end_s)
        shown = show(record, start_s, end_s, fps=fps, enough_pixels=self._recipe.policy.vision.enough_pixels)
        said = [*map(self._layout.words, said_by_second(record))]
        if len(shown) < len(seconds):
            raise InputError(f"{record.video} has no pictures from {start_s + len(shown):g} s on.", "Mend its times.")
        pixels = tuple(self._pixels(chunk) for chunk in shown)
        grids = [self._preprocessor.merged_grid(len(one), *one.shape[2:]) for one in pixels]
        prompt = self._layout.prompt
        asks = start_s == 0 or self._recipe.windows.query is QueryRule.EVERY
        tokens = self._layout.window(
            [
                Round(chunk.start_s, chunk.end_s, grid, said[second])
                for second, chunk, grid in zip(seconds, shown, grids, strict=True)
            ],
            previous=previous_ids(
                prompt.text_ids(record.previous), said.__getitem__, seconds.start, self._layout.policy.windows
            ),
            query=prompt.text_ids(record.query) if asks else (),
            fps=fps,
        )
        return ReadClip(tokens, pixels)

    def _pixels(self, chunk: Chunk) -> Tensor:
        bounds, preprocessor = self._recipe.policy.vision, self._preprocessor
        size = preprocessor.target_size(
            *chunk.frames[-1].shape[:2], min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels
        )
        pixels = preprocessor.resize(chunk.frames, *size, torch.device("cpu"))
        missing = -len(pixels) % preprocessor.temporal_patch_size
        return torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])


def show(record: Record, start_s: float, end_s: float, *, fps: float, enough_pixels: int) -> list[Chunk]:
    """A stretch of a record's video, a second a chunk. `InputError` if it cannot be read."""
    from svlm_cli.sources.windows import read_window  # training from a simulator needs no ffmpeg

    frames = read_window(record.video, start_s, end_s, fps=fps, enough_pixels=enough_pixels)
    return list(chunks(frames, fps=fps, chunk_seconds=1.0))


def batch_of(clips: Sequence[ReadClip]) -> Batch:
    """One forward pass of them."""
    pictures = Photographed(tuple(pixels for clip in clips for pixels in clip.pixels))
    return collate([clip.tokens for clip in clips], pictures)


def annotated_texts(recipe: Recipe) -> Iterable[str]:
    """All that is said in the annotation files, for a tokenizer to learn from."""
    for record in _records(recipe, Skipped(recipe.data.annotations.bad_allowed, lambda line: None)):
        yield record.previous
        yield text_of(word.text for word in record.words)


def _records(recipe: Recipe, skipped: Skipped) -> list[Record]:
    annotations = recipe.data.annotations
    videos = Path(annotations.videos) if annotations.videos else None
    return read_records([Path(file) for file in annotations.files], videos, skipped)


def _clips(recipe: Recipe, skipped: Skipped) -> Iterator[Clip]:
    size = recipe.windows
    for record in _records(recipe, skipped):
        spoken = [second_of(word.end_s, record.start_s) for word in record.words]
        length = math.ceil(record.end_s - record.start_s)
        for seconds in windows(length, length=size.seconds, overlap=size.overlap_seconds):
            yield Clip(record, seconds, sum(second in seconds for second in spoken))


def said_by_second(record: Record) -> list[str]:
    """What is said in each second of a record."""
    texts: list[list[str]] = [[] for _ in range(math.ceil(record.end_s - record.start_s))]
    for word in record.words:
        texts[second_of(word.end_s, record.start_s)].append(word.text)
    return [text_of(words) for words in texts]


def name_of(clip: Clip) -> str:
    """For people."""
    return f"{clip.record.place} ({clip.seconds.start} to {clip.seconds.stop} s)"
