"""Held-out videos for the model to caption freely, with the true words second by second.

Knows no network and no loop.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import texts
from svlm_cli.simulator.match.commentary import words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.training.brushes import brush_of
from svlm_cli.training.clip_reader import show
from svlm_cli.training.clips import Clips
from svlm_cli.training.held_out import held_out_recipe
from svlm_cli.training.log import to_nobody
from svlm_cli.training.matches import seed_of
from svlm_cli.training.overlap import text_of
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.records import Record, Skipped
from svlm_cli.training.simulator_recipe import SimulatedWorld
from svlm_cli.training.texts import said_by_second


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutVideo:
    """A held-out video. Nothing of it is read before it is shown."""

    name: str
    start_s: float
    context: str  # the context before the first round
    query: str | None  # None: the policy's
    said: tuple[str, ...]  # per shown second
    show: Callable[[], Iterator[Chunk]]  # one second per chunk; `InputError` if it cannot be read


def held_out_videos(recipe: Recipe) -> tuple[HeldOutVideo, ...]:
    """As many as the recipe says, or as exist; the same every time."""
    own = held_out_recipe(recipe)
    if recipe.data.source is Source.SIMULATOR:
        simulated = _match if recipe.data.simulator.world is SimulatedWorld.MATCH else _footage
        return tuple(simulated(own, number) for number in range(recipe.validation.videos))
    return tuple(_recorded(recipe, record) for record in islice(_records(own), recipe.validation.videos))


def _records(recipe: Recipe) -> Iterator[Record]:
    """One record per video that has windows; `recipe` is that of the held-out files."""
    seen = set[Path]()
    clips = Clips(recipe, Skipped.of(recipe.data.annotations, to_nobody), to_nobody)
    for file, number in map(clips.at, range(min(clips.epoch, recipe.validation.windows))):
        with suppress(InputError):  # a bad record, reported when its window is read
            record = file.clip(number).record
            if record.video not in seen:
                seen.add(record.video)
                yield record


def _match(recipe: Recipe, number: int) -> HeldOutVideo:
    """The beginning of a match; `recipe` is that of the held-out data."""
    seconds, seed = recipe.validation.video_seconds, seed_of(recipe, number)
    match = Match(seed, Split.TRAIN)
    said: list[list[str]] = [[] for _ in range(seconds)]
    for word in words(match, 0, seconds):
        said[word.second].append(word.text)
    shown = partial(_play, match.scenes, seconds, recipe)
    return HeldOutVideo(f"the match of seed {seed}", 0.0, match.context, None, tuple(map(text_of, said)), shown)


def _footage(recipe: Recipe, number: int) -> HeldOutVideo:
    """The beginning of a footage."""
    seconds, seed = recipe.validation.video_seconds, seed_of(recipe, number)
    footage = EndlessFootage(seed)
    shown = partial(_play, footage.scenes, seconds, recipe)
    return HeldOutVideo(f"the footage of seed {seed}", 0.0, "", None, texts(footage, seconds), shown)


def _play(scenes: Callable[[NDArray[np.float64]], Any], seconds: int, recipe: Recipe) -> Iterator[Chunk]:
    brush, policy = brush_of(recipe), recipe.policy
    moments = np.arange(policy.frames_per_chunk) / policy.vision.fps
    for second in range(seconds):
        drawn = brush.draw(brush.join([scenes(second + moments)]), 0, len(moments), torch.device("cpu"))
        yield Chunk(tuple(drawn.numpy()), float(second), float(second + 1))


def _recorded(recipe: Recipe, record: Record) -> HeldOutVideo:
    """The beginning of a record."""
    said = tuple(said_by_second(record))[: recipe.validation.video_seconds]
    shown = partial(_read, record, len(said), recipe.policy)
    return HeldOutVideo(record.video.name, record.start_s, record.previous, record.query, said, shown)


def _read(record: Record, seconds: int, policy: StreamPolicy) -> Iterator[Chunk]:
    end_s = min(record.start_s + seconds, record.end_s)
    vision = policy.vision
    yield from show(record, record.start_s, end_s, fps=vision.fps, enough_pixels=vision.enough_pixels)
