"""Windows that are not learned from: which they are, and this rank's share of them, ready for the network.

They are the same each time and on any number of ranks, and are kept as they were read: what is found of them depends on
the network alone. Knows no network and no loop.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from svlm_cli.core.errors import InputError
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.annotated import AnnotatedData, Clip, ReadClip, batch_of, name_of
from svlm_cli.training.collate import Batch
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say
from svlm_cli.training.ranks import Ranks
from svlm_cli.training.recipe import BaseStage, Recipe, Source
from svlm_cli.training.records import Skipped
from svlm_cli.training.share import Share
from svlm_cli.training.simulated import SimulatedData

_FEWEST_MATCHES = 8  # that windows are taken from, if there are as many windows


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What one rank has of them: batches that count, and as many passes as each rank needs."""

    batches: tuple[Batch, ...]
    spare: Batch  # counts nothing: for a rank that has nothing left, since the others need its part in a pass
    passes: int

    def __iter__(self) -> Iterator[tuple[Batch, bool]]:
        """All passes: a batch, and whether it counts."""
        for index in range(self.passes):
            yield (self.batches[index], True) if index < len(self.batches) else (self.spare, False)


def read_held_out(recipe: Recipe, layout: Layout, preprocessor: Preprocessor, ranks: Ranks, say: Say) -> HeldOut:
    """Reads this rank's windows. All ranks have to call it, before anything is learned.

    `InputError` if more of them than allowed cannot be read, on all ranks alike.
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
    with closing(SimulatedData(held_out_matches(recipe), layout, preprocessor, share)) as data:
        batches = [*data.batches(0)]
    return batches if _own(count, ranks) else (), batches[0]


def held_out_matches(recipe: Recipe) -> Recipe:
    """One step of them: the windows of other matches, at the rate and with the words of a stream."""
    count, simulator = recipe.validation.windows, recipe.data.simulator
    of_match = min(math.ceil(count / _FEWEST_MATCHES), simulator.windows_per_match)
    matches = math.ceil(count / of_match)
    return replace(
        recipe,
        data=replace(
            recipe.data,
            seed=recipe.validation.seed,
            workers=0,
            simulator=replace(simulator, windows_per_match=of_match, matches_per_block=matches),
        ),
        windows=replace(recipe.windows, fps=(), fps_weights=(), confusion=0.0),
        base_stage=BaseStage(),
        optimisation=replace(recipe.optimisation, steps=1, batch=count, accumulate=1),
        validation=replace(recipe.validation, every=0),
    )


def _annotated(
    recipe: Recipe, layout: Layout, preprocessor: Preprocessor, ranks: Ranks, say: Say
) -> tuple[Sequence[Batch], Batch]:
    exchange = Exchange(ranks, Skipped(recipe.data.annotations.bad_allowed, say))
    own = held_out_annotations(recipe)
    with closing(AnnotatedData(own, layout, preprocessor, _held_out(say), exchange=exchange)) as data:
        places = _own(min(len(data), recipe.validation.windows), ranks)
        with ThreadPoolExecutor(max(recipe.data.workers, 1), thread_name_prefix="held-out") as pool:
            found = [*pool.map(partial(_read, data, recipe.policy.vision.fps), map(data.clip, places))]
        clips = [clip for clip in found if isinstance(clip, ReadClip)]
        for place, error in zip(places, found, strict=True):
            if isinstance(error, InputError):
                exchange.miss(name_of(data.clip(place)), error.message.rstrip("."))
        most = recipe.optimisation.batch
        batches = [batch_of(clips[start : start + most]) for start in range(0, len(clips), most)]
        exchange.settle(sum(batch.learned for batch in batches))
        return batches, data.nothing()


def _read(data: AnnotatedData, fps: float, clip: Clip) -> ReadClip | InputError:
    try:
        return data.read(clip, fps)
    except InputError as error:
        return error


def held_out_annotations(recipe: Recipe) -> Recipe:
    """A recipe that learns from the held-out files."""
    annotations = replace(recipe.data.annotations, files=recipe.validation.files)
    return replace(
        recipe,
        data=replace(recipe.data, annotations=annotations),
        validation=replace(recipe.validation, every=0, files=()),
    )


def _held_out(say: Say) -> Say:
    return lambda line: say(f"held out: {line}")


def _own(count: int, ranks: Ranks) -> range:
    """A rank's of so many windows, as even as can be."""
    return range(count * ranks.rank // ranks.count, count * (ranks.rank + 1) // ranks.count)
