"""Held-out windows: selects them, and prepares this rank's share for the network.

They are the same every time and for any number of ranks, and stay in memory, so results depend on the network alone.
Knows no network and no loop.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

from svlm_cli.core.errors import SvlmError
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.clip_reader import ClipReader, PendingClip, ReadClip, batch_of
from svlm_cli.training.clips import Clips, FileClips
from svlm_cli.training.collate import Batch
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import BaseStage, Recipe, Source
from svlm_cli.training.records import Skipped
from svlm_cli.training.share import Share
from svlm_cli.training.simulated import SimulatedData

_FEWEST_MATCHES = 8  # to take windows from, if there are that many windows


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """One rank's share: batches that count, and the number of passes that all ranks make."""

    batches: tuple[Batch, ...]
    spare: Batch  # not counted: used when a rank has no batch left, because the others need it in the pass
    passes: int

    def __iter__(self) -> Iterator[tuple[Batch, bool]]:
        """All passes: a batch, and whether it counts."""
        for index in range(self.passes):
            yield (self.batches[index], True) if index < len(self.batches) else (self.spare, False)


def read_held_out(recipe: Recipe, layout: Layout, preprocessor: Preprocessor, ranks: Ranks, say: Say) -> HeldOut:
    """Read this rank's windows. All ranks must call it, before training starts.

    `InputError`, on all ranks, if more of them than allowed cannot be read.
    """
    if recipe.data.source is Source.SIMULATOR:
        batches, spare = _played(recipe, layout, preprocessor, ranks)
    else:
        batches, spare = _annotated(recipe, layout, preprocessor, ranks, say)
    return HeldOut(tuple(batches), spare, max(ranks.gather(len(batches))))


def _played(recipe: Recipe, layout: Layout, preprocessor: Preprocessor, ranks: Ranks) -> tuple[Sequence[Batch], Batch]:
    count = recipe.validation.windows
    own = _own(count, ranks) or range(1)
    most = recipe.optimisation.batch
    share = Share(count, tuple(own[start : start + most] for start in range(0, len(own), most)))
    with closing(SimulatedData(held_out_recipe(recipe), layout, preprocessor, share)) as data:
        batches = [*data.batches(0)]
    return batches if _own(count, ranks) else (), batches[0]


def held_out_recipe(recipe: Recipe) -> Recipe:
    """A recipe that trains on the held-out data: other matches or files, at the streaming frame rate."""
    own = replace(
        recipe,
        windows=replace(recipe.windows, fps=(), fps_weights=()),
        validation=replace(recipe.validation, every=0, files=()),
    )
    return _of_matches(own, recipe) if recipe.data.source is Source.SIMULATOR else _of_files(own, recipe)


def _of_matches(own: Recipe, recipe: Recipe) -> Recipe:
    """One step of windows of other matches, with undisturbed commentary."""
    count, simulator = recipe.validation.windows, recipe.data.simulator
    of_match = min(math.ceil(count / _FEWEST_MATCHES), simulator.windows_per_match)
    matches = math.ceil(count / of_match)
    return replace(
        own,
        data=replace(
            recipe.data,
            seed=recipe.validation.seed,
            workers=0,
            simulator=replace(simulator, windows_per_match=of_match, matches_per_block=matches),
        ),
        windows=replace(own.windows, confusion=0.0),
        base_stage=BaseStage(),
        optimisation=replace(recipe.optimisation, steps=1, batch=count, accumulate=1),
    )


def _of_files(own: Recipe, recipe: Recipe) -> Recipe:
    """Each window comes once per epoch, regardless of the training weights."""
    annotations = replace(recipe.data.annotations, files=recipe.validation.files, weights=())
    return replace(own, data=replace(recipe.data, annotations=annotations))


def _annotated(
    recipe: Recipe, layout: Layout, preprocessor: Preprocessor, ranks: Ranks, say: Say
) -> tuple[Sequence[Batch], Batch]:
    own = held_out_recipe(recipe)
    tell = held_out_say(say)
    skipped = Skipped.of(own.data.annotations, tell)
    clips = Clips(own, skipped, tell)
    tell(clips.told(skipped.count))
    count = min(clips.epoch, recipe.validation.windows)
    reader, exchange = ClipReader(own, layout, preprocessor), Exchange(ranks, skipped, count)
    try:
        read = _read(reader, [clips.at(place) for place in _own(count, ranks)], own, exchange)
    except SvlmError as error:
        exchange.fail(error)
        raise
    most = recipe.optimisation.batch
    batches = [batch_of(read[start : start + most]) for start in range(0, len(read), most)]
    exchange.settle(sum(batch.learned for batch in batches))
    return batches, reader.nothing()


def _read(
    reader: ClipReader, clips: Sequence[tuple[FileClips, int]], recipe: Recipe, exchange: Exchange
) -> list[ReadClip]:
    fps = recipe.policy.vision.fps
    with ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="held-out") as pool:
        coming = [PendingClip.of(pool, reader, file, number, fps) for file, number in clips]
        return [clip for one in coming if (clip := one.result(exchange)) is not None]


def held_out_say(say: Say) -> Say:
    """The same, with a note that it is about held-out data."""
    return lambda line: say(f"held out: {line}")


def _own(count: int, ranks: Ranks) -> range:
    """A rank's share of `count` windows, as equal as possible."""
    return range(count * ranks.rank // ranks.count, count * (ranks.rank + 1) // ranks.count)
