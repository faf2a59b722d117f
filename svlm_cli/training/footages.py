"""Footage of the simulator -> windows without pictures. What worker processes do: no torch here.

Which windows there are is planned as for matches (``matches.py``): a footage is to windows what a match is. Knows no
batch and no device.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from svlm_cli.simulator.footage.describing import describe, words_of_descriptions
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.scenes import FootageScenes
from svlm_cli.simulator.footage.speech import texts
from svlm_cli.simulator.footage.statements import SENTENCES
from svlm_cli.training.layout import Round
from svlm_cli.training.matches import Lesson, Making, MatchTask, SimulatedWindow, WindowTask
from svlm_cli.training.overlap import Ids, previous_ids, text_of

DESCRIBED: Final = "Description."
"""Stands in front of dense descriptions, so that they and commentary are told apart."""


def make_footage_windows(making: Making, task: MatchTask) -> list[SimulatedWindow]:
    """All windows of a footage."""
    end_s = task.windows[-1].start_s + making.windows.seconds
    footage = EndlessFootage(task.seed)
    told = texts(footage, end_s)

    @lru_cache(None)
    def said(second: int) -> Ids:
        return making.layout.words(told[second])

    @lru_cache(None)
    def described(second: int) -> Ids:
        return making.layout.words(text_of(describe(footage, second).split()))

    @lru_cache(None)
    def scenes(fps: int) -> FootageScenes:  # once for all windows: they overlap
        return footage.scenes(np.arange(end_s * fps) / fps)

    return [
        _window(making, scenes, one, said if one.lesson is Lesson.COMMENTARY else described) for one in task.windows
    ]


def _window(
    making: Making, scenes: Callable[[int], FootageScenes], task: WindowTask, ids: Callable[[int], Ids]
) -> SimulatedWindow:
    layout, size, start = making.layout, making.windows, task.start_s
    dense = task.lesson is not Lesson.COMMENTARY
    shape = making.shape(task.fps)
    context = layout.prompt.text_ids(DESCRIBED if dense else "")
    tokens = layout.window(
        [Round(second, second + 1, shape, ids(second)) for second in range(start, start + size.seconds)],
        previous=previous_ids(context, ids, 0 if task.context_only else start, layout.policy.windows),
        query=making.query(start),
        fps=task.fps,
        dense=dense,
    )
    fps = round(task.fps)
    return SimulatedWindow(task.place, tokens, scenes(fps).take(np.arange(start * fps, (start + size.seconds) * fps)))


def footage_texts(times: int = 8) -> Iterator[str]:
    """All that can be said, for a tokenizer to learn from: each word is one token."""
    words_ = {word for sentence in SENTENCES for word in sentence.split()} | set(words_of_descriptions())
    for _ in range(times):
        yield from (f" {word}" for word in sorted(words_))
        yield DESCRIBED
