"""Scenes: all that pictures of some moments show, as few numbers as possible. Knows neither pixels nor what comes next.

Places are in widths of the picture from its middle, x to the right and y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.silhouettes import PARTS

PICTURE, BLACK, BARS = 0, 1, 2  # what a view is of
ASPECT: Final = 9 / 16  # height of the picture by its width
SHADOW_REACH: Final = (
    0.62,
    0.56,
    0.38,
)  # of a shadow: to each side, and below the middle of what throws it, from and to

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FootageScenes:
    """N moments, of V views, in which are M bodies. Two views are mixed where one shot fades into another."""

    # of moments
    first: Ints  # [N] a view
    second: Ints  # [N] another, or the same
    mix: Floats  # [N] how much of the second
    light: Floats  # [N] by what all is multiplied in the end: fades
    # of views
    medium: Ints  # [V] PICTURE, BLACK or BARS
    draws: Floats  # [V, 3] which picture is behind everything, see `PictureBank.pick`, and 1 if it has to be lively
    lie: Floats  # [V, 6] how it lies: x of the bank's pixel = 0 * x + 1 * y + 2; y = 3 * x + 4 * y + 5
    window: Floats  # [V, 4] left, top, right and bottom of what is not a bar
    look: (
        Floats  # [V, 10] gains of red, green and blue, lift, greyness, grain, blur, blocks, slope to the right and down
    )
    weather: Floats  # [V, 5] how much, how long the drops, how fast, slant, time
    waves: Floats  # [V, 7] middle x and y, radius, height, waves on a width, two phases: what ripples behind everything
    grain: Ints  # [V] a number that says which
    # of bodies
    view: Ints  # [M] in which
    layer: Ints  # [M] 0 is the farthest of a view, 1 the next
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
        """As many moments as views, one of each.

        `bodies` are lists of pieces, to be joined, of `view`, `layer`, `place`, `reach`, `skin`, `parts` and `colours`.
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
        """The same views, shown in another way."""
        return replace(self, first=first, second=second, mix=mix, light=light)

    @staticmethod
    def join(scenes: "Sequence[FootageScenes]") -> "FootageScenes":
        """The moments of all, one after the other."""
        views = np.cumsum([0, *(len(one.medium) for one in scenes)])[:-1].astype(np.int32)
        joined: dict[str, NDArray[Any]] = {}
        for field in fields(FootageScenes):
            parts = [getattr(one, field.name) for one in scenes]
            if field.name in {"first", "second", "view"}:
                parts = [part + offset for part, offset in zip(parts, views, strict=True)]
            joined[field.name] = np.concatenate(parts)
        return FootageScenes(**joined)

    def take(self, moments: NDArray[np.int64]) -> "FootageScenes":
        """Some of the moments, in this order, and what they show."""
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
