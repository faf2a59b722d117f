"""Scenes: everything that pictures show at some moments, in few numbers. Knows neither pixels nor other moments.

Coordinates are in picture widths from its middle, x to the right and y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.silhouettes import PARTS

PICTURE, BLACK, BARS = 0, 1, 2  # what a view shows
ASPECT: Final = 9 / 16  # the picture's height divided by its width
# Of a shadow: to each side, and from and to below the middle of its thing.
SHADOW_REACH: Final = (0.62, 0.56, 0.38)

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FootageScenes:
    """N moments, V views and M bodies. Where one shot fades into another, a moment blends two views."""

    # per moment
    first: Ints  # [N] its view
    second: Ints  # [N] another view, or the same
    mix: Floats  # [N] weight of the second
    light: Floats  # [N] final factor of brightness, for fades
    # per view
    medium: Ints  # [V] PICTURE, BLACK or BARS
    draws: Floats  # [V, 4] for the background, see `PictureBank.pick`: two draws, 1 if it is lively, 1 if it is soft
    lie: Floats  # [V, 6] background's affine map a to f: pixel of the bank = (a x + b y + c, d x + e y + f)
    window: Floats  # [V, 4] left, top, right and bottom of the picture within its bars
    look: Floats  # [V, 10] gains of red, green, blue; lift, greyness, grain, blur, blocks; slope to the right and down
    weather: Floats  # [V, 5] amount, length of drops, speed, slant, time
    waves: Floats  # [V, 7] ripples in the background: centre x and y, radius, height, waves per width, two phases
    grain: Ints  # [V] seed of the noise
    # per body
    view: Ints  # [M] its view
    layer: Ints  # [M] 0 is the farthest in its view, 1 the next
    place: Floats  # [M, 7] x, y, height, width, cosine and sine of the roll, bend
    reach: Floats  # [M, 4] left, top, right, bottom
    skin: Floats  # [M, 7] see `Skin.numbers`
    parts: Floats  # [M, PARTS, 6] see `pose`
    colours: Floats  # [M, PARTS, 4] see `Thing.colours`

    def __len__(self) -> int:
        return len(self.first)

    @staticmethod
    def of_views(
        *,
        medium: Doubles,
        draws: Doubles,
        lie: Doubles,
        window: Doubles,
        look: Doubles,
        weather: Doubles,
        waves: Doubles,
        grain: Doubles,
        bodies: "Sequence[Sequence[NDArray[Any]]]",
    ) -> "FootageScenes":
        """One moment per view.

        `bodies` has lists of arrays, to be joined: for `view`, `layer`, `place`, `reach`, `skin`, `parts`, `colours`.
        """
        empty = [np.zeros((0, *shape)) for shape in ((), (), (7,), (4,), (7,), (PARTS, 6), (PARTS, 4))]
        view, layer, place, reach, skin, parts, colours = (
            np.concatenate(pieces) if pieces else none for pieces, none in zip(bodies, empty, strict=True)
        )
        first = np.arange(len(medium), dtype=np.int32)
        return FootageScenes(
            first=first,
            second=first,
            mix=np.zeros(len(first), np.float32),
            light=np.ones(len(first), np.float32),
            medium=medium.astype(np.int32),
            draws=draws.astype(np.float32),
            lie=lie.astype(np.float32),
            window=window.astype(np.float32),
            look=look.astype(np.float32),
            weather=weather.astype(np.float32),
            waves=waves.astype(np.float32),
            grain=grain.astype(np.int32),
            view=view.astype(np.int32),
            layer=layer.astype(np.int32),
            place=place.astype(np.float32),
            reach=reach.astype(np.float32),
            skin=skin.astype(np.float32),
            parts=parts.astype(np.float32),
            colours=colours.astype(np.float32),
        )

    def with_moments(self, first: Ints, second: Ints, mix: Floats, light: Floats) -> "FootageScenes":
        """The same views with other moments."""
        return replace(self, first=first, second=second, mix=mix, light=light)

    @staticmethod
    def join(scenes: "Sequence[FootageScenes]") -> "FootageScenes":
        """The moments of all scenes, one after another."""
        views = np.cumsum([0, *(len(one.medium) for one in scenes)])[:-1].astype(np.int32)
        joined: dict[str, NDArray[Any]] = {}
        for field in fields(FootageScenes):
            parts = [getattr(one, field.name) for one in scenes]
            if field.name in {"first", "second", "view"}:
                parts = [part + offset for part, offset in zip(parts, views, strict=True)]
            joined[field.name] = np.concatenate(parts)
        return FootageScenes(**joined)

    def take(self, moments: NDArray[np.int64]) -> "FootageScenes":
        """Some of the moments, in this order, with the views and bodies that they need."""
        wanted = np.concatenate([self.first[moments], self.second[moments]])
        views, at = np.unique(wanted, return_inverse=True)
        new = np.full(len(self.medium), -1, np.int32)
        new[views] = np.arange(len(views))
        bodies = np.flatnonzero(new[self.view] >= 0)
        taken: dict[str, NDArray[Any]] = {}
        for field in fields(FootageScenes):
            whole = getattr(self, field.name)
            rows = moments if field.name in _OF_MOMENTS else bodies if field.name in _OF_BODIES else views
            taken[field.name] = whole[rows]
        taken["view"] = new[taken["view"]]
        taken["first"], taken["second"] = (half.astype(np.int32) for half in np.split(at.reshape(-1), 2))
        return FootageScenes(**taken)


_OF_MOMENTS: Final = frozenset({"first", "second", "mix", "light"})
_OF_BODIES: Final = frozenset({"view", "layer", "place", "reach", "skin", "parts", "colours"})
