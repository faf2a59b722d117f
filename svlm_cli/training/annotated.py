"""Batches from annotation files: threads read the windows' pictures from the videos.

Which windows a step has follows from the seed and the step. One that cannot be read leaves its batch one smaller: it
is named and counted, and no other takes its place. A batch that has none left is a black second of which nothing is
learned, since other ranks need this one's part in the forward pass. Knows no network.
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
        self._reader = ClipReader(recipe, layout, preprocessor)
        self._share = share or Share.of(recipe.optimisation)
        self._exchange = exchange or Exchange(ALONE, Skipped.of(recipe.data.annotations, say), self._share.step)
        skipped = self._exchange.skipped
        self._clips = Clips(recipe, skipped, say)
        say(self._clips.told(skipped.count))
        self._pool = ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="clips")

    @property
    def windows(self) -> int:
        """Of an epoch."""
        return self._clips.epoch

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches of all steps from `first_step` on; each epoch in an order of its own."""
        coming = self._reading(first_step)
        count = (self._recipe.optimisation.steps - first_step) * len(self._share.passes)
        started = deque(islice(coming, _AHEAD))
        for _ in range(count):
            batch = started.popleft()
            started += islice(coming, 1)
            read = [clip for one in batch if (clip := one.result(self._exchange)) is not None]
            yield batch_of(read) if read else self._reader.nothing()

    def close(self) -> None:
        """Stops reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _reading(self, first_step: int) -> Iterator[list[PendingClip]]:
        """The batches from a step on, being read."""
        for step in range(first_step, self._recipe.optimisation.steps):
            fps = fps_of(self._recipe, step)
            for places in self._share.passes:
                clips = [self._clips.at(step * self._share.step + place) for place in places]
                yield [PendingClip.of(self._pool, self._reader, file, number, fps) for file, number in clips]


def annotated_texts(recipe: Recipe) -> Iterable[str]:
    """All that is said in the annotation files, for a tokenizer to learn from."""
    annotations = recipe.data.annotations
    videos = Path(annotations.videos) if annotations.videos else None
    skipped = Skipped.of(annotations, to_nobody)
    for record in read_records([Path(file) for file in annotations.files], videos, skipped):
        yield record.previous
        yield text_of(word.text for word in record.words)
        yield from (text for one in record.questions for text in (one.question, one.answer))
