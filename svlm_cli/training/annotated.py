"""Batches from annotation files, whose pictures are read from the videos by threads.

The windows of a step are determined by the seed and the step. An unreadable window makes its batch one smaller: it is
reported and counted, and not replaced. A batch with no window left becomes a black second without targets, because
other ranks need this rank in the forward pass. Knows no network.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.clip_reader import ClipReader, PendingClip, batch_of
from svlm_cli.training.clips import Clips
from svlm_cli.training.collate import Batch
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say, to_nobody
from svlm_cli.training.matches import fps_of
from svlm_cli.training.overlap import text_of
from svlm_cli.training.ranks import ALONE
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.records import Skipped, read_records
from svlm_cli.training.share import Share

_AHEAD = 2  # batches


class AnnotatedData:
    """Batches of a recipe's annotation files, or one rank's share of them, starting at any step.

    `InputError` if too many records are bad.
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
        self._reader = ClipReader(recipe, layout, preprocessor)
        self._share = share or Share.of(recipe.optimisation)
        self._exchange = exchange or Exchange(ALONE, Skipped.of(recipe.data.annotations, say), self._share.step)
        skipped = self._exchange.skipped
        self._clips = Clips(recipe, skipped, say)
        say(self._clips.told(skipped.count))
        self._pool = ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="clips")

    @property
    def windows(self) -> int:
        """The number of windows per epoch."""
        return self._clips.epoch

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches of all steps from `first_step` on; each epoch has its own order."""
        coming = self._reading(first_step)
        count = (self._recipe.optimisation.steps - first_step) * len(self._share.passes)
        started = deque(islice(coming, _AHEAD))
        for _ in range(count):
            batch = started.popleft()
            started += islice(coming, 1)
            read = [clip for one in batch if (clip := one.result(self._exchange)) is not None]
            yield batch_of(read) if read else self._reader.nothing()

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _reading(self, first_step: int) -> Iterator[list[PendingClip]]:
        """The batches from a step on, with reads in progress."""
        for step in range(first_step, self._recipe.optimisation.steps):
            fps = fps_of(self._recipe, step)
            for places in self._share.passes:
                clips = [self._clips.at(step * self._share.step + place) for place in places]
                yield [PendingClip.of(self._pool, self._reader, file, number, fps) for file, number in clips]


def annotated_texts(recipe: Recipe) -> Iterable[str]:
    """All words in the annotation files, to train a tokenizer on."""
    annotations = recipe.data.annotations
    videos = Path(annotations.videos) if annotations.videos else None
    skipped = Skipped.of(annotations, to_nobody)
    for record in read_records([Path(file) for file in annotations.files], videos, skipped):
        yield record.previous
        yield text_of(word.text for word in record.words)
        yield from (text for one in record.questions for text in (one.question, one.answer))
