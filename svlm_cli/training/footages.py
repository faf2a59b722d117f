"""Simulated footage -> training windows without pictures. Runs in worker processes, without torch.

Windows of footage are planned like those of matches (``matches.py``). Knows no batch and no device.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.describing import ENDLESS_MATCH, describe, moving_cells, words_of_descriptions
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.scenes import FootageScenes
from svlm_cli.simulator.footage.speech import match_texts, texts
from svlm_cli.simulator.footage.statements import SENTENCES
from svlm_cli.simulator.match.match import Match, Scenes, Split
from svlm_cli.training.confusion import Spoken
from svlm_cli.training.layout import IGNORED, Aside, Round
from svlm_cli.training.matches import Lesson, Making, MatchTask, SimulatedWindow, WindowTask, meant_ids
from svlm_cli.training.overlap import Ids, previous_ids, text_of
from svlm_cli.training.slips import slip

Cells = NDArray[np.int8]

DESCRIBED: Final = "Description."
"""The question that dense descriptions answer. Asked beside the commentary, they see none of each other: a description
that saw the one before would learn to copy it, not to look."""


def make_footage_windows(
    making: Making, task: MatchTask, match_share: float = 0.0, *, cells: bool = False
) -> list[SimulatedWindow]:
    """All windows of a footage or, for `match_share` of the seeds, of Endless Match without its context.

    With `cells`, those with descriptions also have what moves at each visual token.
    """
    end_s = task.windows[-1].start_s + making.windows.seconds
    world: _World
    if np.random.default_rng([task.seed, 9]).random() < match_share:
        world = _Match(task.seed, end_s)
    else:
        world = _Footage(task.seed, end_s)

    @lru_cache(None)
    def described(second: int) -> Ids:
        return making.layout.words(text_of(world.describe(second).split()))

    @lru_cache(None)
    def scenes(fps: int) -> Any:  # once for all windows: they overlap
        return world.scenes(np.arange(end_s * fps) / fps)

    @lru_cache(None)
    def moving(second: int) -> Cells:
        return world.moving_cells(second, *making.grid).ravel()

    dense = _Dense(described, moving if cells else None)
    return [
        _window(making, scenes, one, _Voice(making, world.told, (task.seed, one.place)), dense) for one in task.windows
    ]


@dataclass(frozen=True, slots=True)
class _Dense:
    """What a window with descriptions is asked after each second: for words, and for each visual token."""

    described: Callable[[int], Ids]
    moving: Callable[[int], Cells] | None

    def of_cells(self, seconds: range, tokens: int, *, asked: bool) -> Cells | None:
        """For each of so many visual tokens, those of whole frame pairs of these seconds; ignored unless `asked`."""
        if self.moving is None:
            return None
        if not asked:
            return np.full(tokens, IGNORED, np.int8)
        by_second = [self.moving(second) for second in seconds]
        pairs = tokens // sum(map(len, by_second))  # in each second
        return np.concatenate([cells for cells in by_second for _ in range(pairs)])


class _World(Protocol):
    """Simulated pictures, and what is said about them."""

    told: Sequence[str]  # what is said in each second, with a space before each word

    def describe(self, second: int) -> str:
        """The dense description of a second."""
        ...

    def moving_cells(self, second: int, rows: int, columns: int) -> Cells:
        """``[rows, columns]``: what moves in each cell, or IGNORED."""
        ...

    def scenes(self, times_s: NDArray[np.float64]) -> Any:
        """Scenes of the world's own type, with a method `take`."""
        ...


class _Footage:
    def __init__(self, seed: int, end_s: int) -> None:
        self._footage = EndlessFootage(seed)
        self.told: Sequence[str] = texts(self._footage, end_s)

    def describe(self, second: int) -> str:
        return describe(self._footage, second)

    def moving_cells(self, second: int, rows: int, columns: int) -> Cells:
        return moving_cells(self._footage, second, rows, columns)

    def scenes(self, times_s: NDArray[np.float64]) -> FootageScenes:
        return self._footage.scenes(times_s)


class _Match:
    def __init__(self, seed: int, end_s: int) -> None:
        self._match = Match(seed, Split.TRAIN, keep_s=end_s + 60.0)
        self.told: Sequence[str] = match_texts(end_s)

    def describe(self, second: int) -> str:  # noqa: ARG002 - always the same
        return ENDLESS_MATCH

    def moving_cells(self, second: int, rows: int, columns: int) -> Cells:  # noqa: ARG002 - it is not known
        return np.full((rows, columns), IGNORED, np.int8)

    def scenes(self, times_s: NDArray[np.float64]) -> Scenes:
        return self._match.scenes(times_s)


class _Voice:
    """The words of one window as ids, possibly with errors."""

    def __init__(self, making: Making, told: Sequence[str], seed: tuple[int, int]) -> None:
        self._layout, self._told = making.layout, told
        self._slipped: list[list[Spoken]] | None = None
        if making.windows.confusion:
            random = np.random.default_rng([*seed, 4])
            self._slipped = slip(told, random, random.random() * making.windows.confusion)

    def said(self, second: int) -> Ids:
        """The ids of a second."""
        return self.said_and_meant(second)[0]

    def said_and_meant(self, second: int) -> tuple[Ids, tuple[int | None, ...] | None]:
        """Also the ids that they should have been, as in `Round`."""
        if self._slipped is None:
            return self._layout.words(self._told[second]), None
        said: list[int] = []
        meant: list[int | None] = []
        for word in self._slipped[second]:
            ids = self._layout.words(f" {word.said}")
            said += ids
            if word.meant is None:
                meant += [None] * len(ids)
            else:
                right = self._layout.words(f" {word.meant}") if word.meant else self._layout.prompt.marker
                meant += meant_ids(ids, right)
        return tuple(said), tuple(meant)


def _window(
    making: Making, scenes: Callable[[int], Any], task: WindowTask, voice: _Voice, dense: _Dense
) -> SimulatedWindow:
    layout, size, start = making.layout, making.windows, task.start_s
    shape, fps = making.shape(task.fps), round(task.fps)
    seconds = range(start, start + size.seconds)
    shown = scenes(fps).take(np.arange(start * fps, seconds.stop * fps))
    if task.lesson is Lesson.CELLS:
        cells = dense.of_cells(seconds, len(seconds) * math.prod(shape), asked=True)
        return SimulatedWindow(task.place, replace(layout.no_words(), cells=cells), shown)
    asides: list[Aside] = []
    asked = task.lesson is not Lesson.COMMENTARY
    if asked:
        question = layout.prompt.text_ids(DESCRIBED)
        asides = [Aside(second - start, question, dense.described(second)) for second in seconds]
    tokens = layout.window(
        [Round(second, second + 1, shape, *voice.said_and_meant(second)) for second in seconds],
        previous=previous_ids((), voice.said, 0 if task.context_only else start, layout.policy.windows),
        query=making.query(start),
        fps=task.fps,
        asides=asides,
    )
    tokens = replace(tokens, cells=dense.of_cells(seconds, len(tokens.pads), asked=asked))
    return SimulatedWindow(task.place, tokens, shown)


def footage_texts(times: int = 8) -> Iterator[str]:
    """All words of commentary and descriptions, for training a tokenizer in which each word is one token."""
    words_ = {word for sentence in SENTENCES for word in sentence.split()} | set(words_of_descriptions())
    for _ in range(times):
        yield from (f" {word}" for word in sorted(words_))
        yield DESCRIBED
