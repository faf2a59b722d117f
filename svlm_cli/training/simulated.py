"""Batches of simulated matches: worker processes make windows, and pictures are drawn on the device.

Matches come in blocks; the next block is made while one is trained on. Knows no network.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from svlm_cli.core.errors import UsageError
from svlm_cli.core.workers import start_workers
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts
from svlm_cli.training.brushes import Brush, brush_of
from svlm_cli.training.collate import Batch, collate
from svlm_cli.training.exercises import Exercises
from svlm_cli.training.footages import make_footage_windows
from svlm_cli.training.layout import Layout
from svlm_cli.training.matches import (
    Making,
    SimulatedWindow,
    epoch_of,
    fps_of,
    make_windows,
    plan,
    steps_per_block,
)
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.share import Share
from svlm_cli.training.simulator_recipe import SimulatedWorld


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The pictures of a batch, as scenes to draw. Every second has `frames` of them."""

    scenes: Any  # type depends on the brush's world
    frames: int
    brush: Brush

    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, list[Grid]]:
        """Draw them. The last picture of a second is repeated if their number is odd, as in streaming."""
        parts = []
        step = self.brush.at_once // self.frames * self.frames
        for start in range(0, len(self.scenes), step):
            pixels = self.brush.draw(self.scenes, start, start + step, device).permute(0, 3, 1, 2)
            missing = -self.frames % preprocessor.temporal_patch_size
            if missing:
                seconds = pixels.reshape(-1, self.frames, *pixels.shape[1:])
                pixels = torch.cat([seconds, *[seconds[:, -1:]] * missing], dim=1).flatten(0, 1)
            parts.append(preprocessor.to_patches(pixels, dtype=dtype))
        rows, columns = parts[0][1][1:]
        pairs = sum(grid[0] for _, grid in parts)
        return torch.cat([patches for patches, _ in parts]), [(pairs, rows, columns)]


class SimulatedData:
    """Batches of a recipe's matches, or one rank's share, starting at any step. `close` ends its workers."""

    def __init__(self, recipe: Recipe, layout: Layout, preprocessor: Preprocessor, share: Share | None = None) -> None:
        self._brush = brush_of(recipe)
        size = self._brush.size
        bounds = recipe.policy.vision
        if preprocessor.target_size(*size, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels) != size:
            raise UsageError(
                f"policy.vision would resize the simulator's pictures of {size[1]} x {size[0]}.",
                f"Let min_pixels and max_pixels include {size[0] * size[1]}.",
            )
        if steps_per_block(recipe) < 1:
            raise UsageError(
                "A block has fewer windows than a step.", "Raise data.simulator.matches_per_block or windows_per_match."
            )
        _, rows, columns = preprocessor.merged_grid(preprocessor.temporal_patch_size, *size)
        self._recipe = recipe
        self._share = share or Share.of(recipe.optimisation)
        grid, exercises = (rows, columns), None
        if recipe.questions.asks:
            prompts, _ = read_vqa_prompts(Path(recipe.questions.prompts or OWN_PROMPTS))
            exercises = Exercises(recipe.questions, prompts, layout, grid)
        own_teams = recipe.data.simulator.own_teams
        making = Making(layout, recipe.windows, grid, own_teams, exercises)
        self._make = partial(make_windows, making)
        if recipe.data.simulator.world is SimulatedWorld.FOOTAGE:
            matches, cells = recipe.data.simulator.match_share, bool(recipe.base_stage.cell_loss)
            self._make = partial(make_footage_windows, making, match_share=matches, cells=cells)
        self._pool = start_workers(recipe.data.workers) if recipe.data.workers else None

    @property
    def windows(self) -> int | None:
        """The number of windows per epoch; None if no match repeats."""
        return epoch_of(self._recipe)

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches of all steps from `first_step` on, one per forward pass."""
        recipe, steps = self._recipe, self._recipe.optimisation.steps
        block_steps = steps_per_block(recipe)
        first, blocks = first_step // block_steps, math.ceil(steps / block_steps)
        coming = self._windows(first, first_step)
        for block in range(first, blocks):
            matches, coming = coming, self._windows(block + 1, first_step)  # workers start on it now
            windows = sorted((window for match in matches for window in match), key=lambda one: one.place)
            for step in range(max(block * block_steps, first_step), min((block + 1) * block_steps, steps)):
                for places in self._share.passes:
                    yield self._batch(windows[: len(places)], round(fps_of(recipe, step)))
                    del windows[: len(places)]

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _windows(self, block: int, first_step: int) -> Iterator[list[SimulatedWindow]]:
        tasks = [task for task in plan(self._recipe, block, first_step, self._share) if task.windows]
        return map(self._make, tasks) if self._pool is None else self._pool.map(self._make, tasks)

    def _batch(self, windows: list[SimulatedWindow], frames: int) -> Batch:
        windows.sort(key=lambda window: not len(window.tokens))  # those without words last, see `collate`
        scenes = self._brush.join([window.scenes for window in windows])
        return collate([window.tokens for window in windows], Drawn(scenes, frames, self._brush))
