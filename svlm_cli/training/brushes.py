"""Scenes of a simulated world -> pictures on the training device: one brush a world. Knows no tokens."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from svlm_cli.simulator.footage import render as footage_render
from svlm_cli.simulator.footage import scenes as footage_scenes
from svlm_cli.simulator.footage.photos import read_photos
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.match import match, render
from svlm_cli.training.compiled import ONE_THREAD
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.simulator_recipe import SimulatedWorld


class Brush(Protocol):
    """Draws the scenes of one world."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture."""
        ...

    @property
    def at_once(self) -> int:
        """So many pictures: the drawing's own arrays take several times their room."""
        ...

    def join(self, scenes: Sequence[Any]) -> Any:
        """The moments of all, one after the other."""
        ...

    def draw(self, scenes: Any, start: int, stop: int, device: torch.device) -> Tensor:
        """Moments `start` to `stop`, uint8 ``[N, H, W, 3]``."""
        ...


class MatchBrush:
    """Of Endless Match."""

    size = match.HEIGHT, match.WIDTH
    at_once = 1024

    def join(self, scenes: Sequence[match.Scenes]) -> match.Scenes:
        """As `Brush` has it."""
        return match.Scenes.join(scenes)

    def draw(self, scenes: match.Scenes, start: int, stop: int, device: torch.device) -> Tensor:
        """As `Brush` has it."""
        names = match.Scenes.__dataclass_fields__
        part = match.Scenes(*(getattr(scenes, name)[start:stop] for name in names))
        drawn: Tensor = render.draw(torch, part, device=device)
        return drawn


class FootageBrush:
    """Of footage, from one bank of pictures, which goes to a device once."""

    size = footage_render.MODEL_SIZE

    def __init__(self, pictures: PictureBank, *, compiled: bool = False) -> None:
        self.at_once = 4096 if compiled else 256
        self._pictures = pictures
        self._compiled = compiled
        self._banks: dict[torch.device, Tensor] = {}

    def join(self, scenes: Sequence[footage_scenes.FootageScenes]) -> footage_scenes.FootageScenes:
        """As `Brush` has it."""
        return footage_scenes.FootageScenes.join(scenes)

    def draw(self, scenes: footage_scenes.FootageScenes, start: int, stop: int, device: torch.device) -> Tensor:
        """As `Brush` has it."""
        if device not in self._banks:
            self._banks[device] = torch.from_numpy(self._pictures.pixels).to(device)
        part = scenes.take(np.arange(start, min(stop, len(scenes))))
        with ONE_THREAD if self._compiled else nullcontext():
            drawn: Tensor = footage_render.draw(
                torch,
                part,
                self._pictures,
                size=self.size,
                device=device,
                bank=self._banks[device],
                compiled=self._compiled and device.type == "cuda",
            )
        return drawn


def brush_of(recipe: Recipe) -> Brush:
    """That of the recipe's world. `InputError` for photos that are not there."""
    simulator = recipe.data.simulator
    if simulator.world is SimulatedWorld.MATCH:
        return MatchBrush()
    return _footage_brush(simulator.photos, recipe.optimisation.compile)


@lru_cache(1)
def _footage_brush(photos: str, compiled: bool) -> FootageBrush:
    """One for training and validation: a bank of some hundred photos takes seconds to make."""
    pictures = PictureBank.make(read_photos(Path(photos)) if photos else ())
    return FootageBrush(pictures, compiled=compiled and torch.cuda.is_available())
