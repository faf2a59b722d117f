"""Scenes of a simulated world -> pictures on the training device, with one brush per world. Knows no tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from svlm_cli.networks.pixels import bars, bicubic
from svlm_cli.simulator.footage import render as footage_render
from svlm_cli.simulator.footage import scenes as footage_scenes
from svlm_cli.simulator.footage.arrays import Arrays
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
        """How many pictures to draw in one call: drawing takes several times their memory."""
        ...

    def join(self, scenes: Sequence[Any]) -> Any:
        """The moments of all scenes, one after another."""
        ...

    def draw(self, scenes: Any, start: int, stop: int, device: torch.device) -> Tensor:
        """Draw the moments from `start` to `stop`, uint8 ``[N, H, W, 3]``."""
        ...


class MatchBrush:
    """Draws Endless Match."""

    size = match.HEIGHT, match.WIDTH
    at_once = 1024

    def join(self, scenes: Sequence[match.Scenes]) -> match.Scenes:
        """As `Brush` has it."""
        return match.Scenes.join(scenes)

    def draw(self, scenes: match.Scenes, start: int, stop: int, device: torch.device) -> Tensor:
        """As `Brush` has it."""
        part = scenes.take(np.arange(start, min(stop, len(scenes))))
        drawn: Tensor = render.draw(torch, part, device=device)
        return drawn


@dataclass(frozen=True, slots=True, eq=False)
class MixedScenes:
    """Moments of footage and of matches, in one sequence."""

    footage: footage_scenes.FootageScenes | None
    matches: match.Scenes | None
    of_match: NDArray[np.bool_]  # [N]
    at: NDArray[np.int64]  # [N] index among those of its own kind

    def __len__(self) -> int:
        return len(self.at)


class FootageBrush:
    """Draws footage, with a bank of pictures that is copied to the device once, and matches with bars around them."""

    size = footage_render.MODEL_SIZE

    def __init__(self, pictures: PictureBank, *, compiled: bool = False) -> None:
        self.at_once = 4096 if compiled else 256
        self._pictures = pictures
        self._compiled = compiled
        self._banks: dict[torch.device, Tensor] = {}
        self._matches = MatchBrush()

    def join(self, scenes: Sequence[Any]) -> MixedScenes:
        """As `Brush` has it."""
        footage = [part for part in scenes if isinstance(part, footage_scenes.FootageScenes)]
        matches = [part for part in scenes if isinstance(part, match.Scenes)]
        of_match = np.repeat([isinstance(part, match.Scenes) for part in scenes], [len(part) for part in scenes])
        at = np.where(of_match, np.cumsum(of_match), np.cumsum(~of_match)) - 1
        joined = footage_scenes.FootageScenes.join(footage) if footage else None
        return MixedScenes(joined, self._matches.join(matches) if matches else None, of_match, at)

    def draw(self, scenes: MixedScenes, start: int, stop: int, device: torch.device) -> Tensor:
        """As `Brush` has it."""
        of_match, at = scenes.of_match[start:stop], scenes.at[start:stop]
        drawn = []
        if scenes.footage is not None and not of_match.all():
            drawn.append(self._footage(scenes.footage.take(at[~of_match]), device))
        if scenes.matches is not None and of_match.any():
            drawn.append(self._framed(scenes.matches.take(at[of_match]), device))
        if len(drawn) == 1:
            return drawn[0]
        order = np.argsort(np.argsort(of_match, kind="stable"))  # position of each, with footage first
        return torch.cat(drawn)[Arrays(torch, device).put(order)]

    def _footage(self, scenes: footage_scenes.FootageScenes, device: torch.device) -> Tensor:
        if device not in self._banks:
            self._banks[device] = torch.from_numpy(self._pictures.pixels).to(device)
        with ONE_THREAD:
            drawn: Tensor = footage_render.draw(
                torch,
                scenes,
                self._pictures,
                size=self.size,
                device=device,
                bank=self._banks[device],
                compiled=self._compiled and device.type == "cuda",
            )
        return drawn

    def _framed(self, scenes: match.Scenes, device: torch.device) -> Tensor:
        """A match with bars, as a model of footage sees it with `vision.aspect`."""
        pixels = self._matches.draw(scenes, 0, len(scenes), device).permute(0, 3, 1, 2)
        whole = functional.pad(pixels, bars(*MatchBrush.size, self.size[1] / self.size[0]))
        return bicubic(whole, *self.size).permute(0, 2, 3, 1)


def brush_of(recipe: Recipe) -> Brush:
    """The brush for the recipe's world. Raises `InputError` if its photos are missing."""
    simulator = recipe.data.simulator
    if simulator.world is SimulatedWorld.MATCH:
        return MatchBrush()
    return _footage_brush(simulator.photos, recipe.optimisation.compile)


@lru_cache(1)
def _footage_brush(photos: str, compiled: bool) -> FootageBrush:
    """Cached, so training and validation share it: making a bank of a few hundred photos takes seconds."""
    pictures = PictureBank.make(read_photos(Path(photos)) if photos else ())
    return FootageBrush(pictures, compiled=compiled and torch.cuda.is_available())
