"""Scenes -> pictures, the same pixels with numpy and with torch, without synchronising a device.

The background is drawn first, then the bodies from the farthest to the nearest, each only within its bounding box, then
the effects over the whole picture (``finish.py``). Knows no shots and no times.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.arrays import Arrays, pixel_places
from svlm_cli.simulator.footage.finish import finish_inputs, finish_pixels
from svlm_cli.simulator.footage.pictures import HEIGHT, WIDTH, PictureBank
from svlm_cli.simulator.footage.scenes import BARS, BLACK, PICTURE, SHADOW_REACH, FootageScenes
from svlm_cli.simulator.footage.silhouettes import PARTS, THERE

MODEL_SIZE: Final = (140, 252)  # five by nine tokens of 28 pixels: nearly 16:9
SIZE: Final = (126, 224)  # default height and width
_MARGIN: Final = 1.5  # in pixels around a bounding box, for soft edges
_SHADOW: Final = (
    SHADOW_REACH[0],
    (SHADOW_REACH[1] - SHADOW_REACH[2]) / 2,
    (SHADOW_REACH[1] + SHADOW_REACH[2]) / 2,
)  # half width, half height, and offset below the middle


def draw(
    xp: Any,
    scenes: FootageScenes,
    pictures: PictureBank,
    *,
    size: tuple[int, int] = SIZE,
    device: Any = None,
    bank: Any = None,
    compiled: bool = False,
) -> Any:
    """Draw uint8 ``[N, height, width, 3]`` with `xp`: numpy, or torch on `device`. Both draw the same pixels.

    Compiled code is several times as fast on a GPU. It rounds differently, so a few pixels differ slightly.

    Args:
        xp: numpy or torch.
        scenes: The scenes of one footage, or of several, joined.
        pictures: The backgrounds, and the textures of things.
        size: Height and width in pixels.
        device: The torch device.
        bank: ``pictures.pixels`` on that device, if they have been copied already.
        compiled: Whether to use ``torch.compile``; it compiles at the first call in a process.
    """
    arrays = Arrays(xp, device, compiled)
    pixels = (arrays.put(pictures.pixels) if bank is None else bank).reshape(-1, 3)
    canvas = _behind(arrays, scenes, pictures, pixels, size)
    _lay(arrays, canvas, scenes, pictures, pixels, size)
    given = finish_inputs(arrays, scenes, size)
    return arrays.run(finish_pixels, canvas, given)


def render(scenes: FootageScenes, pictures: PictureBank, size: tuple[int, int] = SIZE) -> Picture:
    """`draw` with numpy, one picture at a time: small arrays stay in the processor's cache."""
    one_by_one = [draw(np, scenes.take(np.asarray([moment])), pictures, size=size) for moment in range(len(scenes))]
    return np.concatenate(one_by_one) if one_by_one else np.empty((0, *size, 3), np.uint8)


def _behind(
    arrays: Arrays,
    scenes: FootageScenes,
    pictures: PictureBank,
    bank: Any,
    size: tuple[int, int],
) -> Any:
    """float32 ``[V * height * width, 3]``: the background."""
    across, down = pixel_places(size)
    u, v = arrays.put(across)[None, None], arrays.put(down)[None, :, None]
    picked = pictures.pick(scenes.draws[:, :2], scenes.draws[:, 2] > 0, scenes.draws[:, 3] > 0)
    numbers = arrays.put(picked)[:, None, None]
    ripples = scenes.waves[:, 3].any() or arrays.compiled
    waves = arrays.put(scenes.waves)[:, :, None, None] if ripples else None
    canvas = arrays.run(_backdrop, bank, numbers, arrays.put(scenes.lie)[:, :, None, None], waves, u, v)
    black = np.flatnonzero(scenes.medium == BLACK)
    if len(black):
        canvas[arrays.put(black)] = 0.0
    bars = np.flatnonzero(scenes.medium == BARS)
    if len(bars):
        at = arrays.put(np.minimum(np.arange(len(across)) * len(_BARS) // len(across), len(_BARS) - 1))
        canvas[arrays.put(bars)] = arrays.put(_BARS)[at][None, None]
    assert (np.isin(scenes.medium, (PICTURE, BLACK, BARS))).all(), "no other medium exists"
    return canvas.reshape(-1, 3)


def _backdrop(arrays: Arrays, bank: Any, numbers: Any, lie: Any, waves: Any | None, u: Any, v: Any) -> Any:
    """float32 ``[V, H, W, 3]``: part of the bank's pictures `numbers`, rotated and scaled by `lie`."""
    ripple = 0.0 if waves is None else _ripple(arrays, waves, u, v)
    x = lie[:, 0] * (u + ripple) + lie[:, 1] * v + lie[:, 2]
    y = lie[:, 3] * (u + ripple) + lie[:, 4] * v + lie[:, 5]
    return _sampled(arrays, bank, numbers, x, y)


def _ripple(arrays: Arrays, waves: Any, u: Any, v: Any) -> Any:
    """The displacement of water or leaves, within a soft circle."""
    dx, dy = (u - waves[:, 0]) / waves[:, 2], (v - waves[:, 1]) / waves[:, 2]
    inside = arrays.xp.clip(2 * (1 - dx * dx - dy * dy), 0, 1)
    first = arrays.wave(v * waves[:, 4] + u * waves[:, 4] * 0.3 + waves[:, 5])
    second = arrays.wave(u * waves[:, 4] * 0.7 - v * waves[:, 4] * 0.4 + waves[:, 6])
    return inside * waves[:, 3] * (first + second)


def _sampled(arrays: Arrays, bank: Any, numbers: Any, x: Any, y: Any) -> Any:
    """Sample the bank between its pixels; beyond its edges it is mirrored."""
    left, across = _mirrored(arrays, x, WIDTH)
    top, down = _mirrored(arrays, y, HEIGHT)
    corner = (numbers * HEIGHT + top) * WIDTH + left
    across, down = across[..., None], down[..., None]
    above = bank[corner] * (1 - across) + bank[corner + 1] * across
    below = bank[corner + WIDTH] * (1 - across) + bank[corner + WIDTH + 1] * across
    return above * (1 - down) + below * down


def _mirrored(arrays: Arrays, place: Any, size: int) -> tuple[Any, Any]:
    """The index of the pixel before a coordinate, and the distance from it."""
    xp = arrays.xp
    turn = 2 * (size - 1)
    place = place - xp.floor(place * (1 / turn)) * turn
    place = (size - 1) - xp.abs(place - (size - 1))
    before = xp.clip(xp.floor(place), 0, size - 2)
    return arrays.to(before, "int64"), place - before


def _lay(
    arrays: Arrays,
    canvas: Any,
    scenes: FootageScenes,
    pictures: PictureBank,
    bank: Any,
    size: tuple[int, int],
) -> None:
    """Draw all bodies layer by layer, at most one per view at a time, each within its bounding box."""
    rows = np.argsort(scenes.layer, kind="stable")
    corners, spans = _pixel_boxes(scenes.reach[rows], size)
    counts = spans[:, 0] * spans[:, 1]
    rows, corners, spans, counts = (one[counts > 0] for one in (rows, corners, spans, counts))
    if not len(rows):
        return
    begins = np.cumsum(counts) - counts
    views = scenes.view[rows].astype(np.int64)
    boxes = np.concatenate([views[:, None], begins[:, None], corners, spans[:, :1]], axis=1)
    no = np.zeros(len(rows), np.bool_)
    bodies = PaintedBodies(  # copied together: one copy per layer would keep a GPU waiting
        boxes=arrays.put(boxes.T),
        place=arrays.put(scenes.place[rows].T),
        skin=arrays.put(scenes.skin[rows].T),
        pictures=arrays.put(pictures.pick(scenes.skin[rows, :2], no, no)),
        parts=arrays.put(_numbers_of_parts(scenes.parts[rows])),
        colours=arrays.put(scenes.colours[rows].reshape(-1, 4)),
    )
    total = int(counts.sum())
    owner = arrays.repeat(arrays.arange(len(rows)), arrays.put(counts), total)
    order = arrays.arange(total)
    layers, parts = scenes.layer[rows], (scenes.parts[rows, :, 0] < THERE).sum(axis=1)
    stops = [0, *np.searchsorted(layers, np.unique(layers), side="right").tolist()]
    ends = [*begins.tolist(), total]
    for first, last in pairwise(stops):
        used = PARTS if arrays.compiled else parts[first:last].max()
        here = slice(ends[first], ends[last])
        layer = replace(bodies, parts=bodies.parts[:, :used])
        pixel, painted = arrays.run(_paint, canvas, bank, layer, owner[here], order[here], size)
        canvas[pixel] = painted


@dataclass(frozen=True, slots=True)
class PaintedBodies:
    """B bodies as arrays on the device, columns first."""

    boxes: Any  # int64 [5, B] view, offset of its first pixel, left, top, pixels in a row
    place: Any  # [7, B], see `FootageScenes.place`
    skin: Any  # [7, B], see `Skin.numbers`
    pictures: Any  # int64 [B] index in the bank
    parts: Any  # [8, P, B], see `_numbers_of_parts`
    colours: Any  # [B * PARTS, 4]


def _paint(
    arrays: Arrays, canvas: Any, bank: Any, bodies: PaintedBodies, owner: Any, order: Any, size: tuple[int, int]
) -> tuple[Any, Any]:
    """The indices of the canvas' pixels within the bodies' boxes, ``[M]``, and their new colours, ``[M, 3]``.

    Args:
        arrays: numpy, or torch.
        canvas: ``[V * H * W, 3]``.
        bank: ``[P * HEIGHT * WIDTH, 3]``.
        bodies: All of them.
        owner: ``[M]``: the body of each pixel, at most one body per view.
        order: ``[M]``: the index of each pixel among those of all bodies.
        size: Height and width of a view.
    """
    height, width = size
    view, first, left, top, wide = bodies.boxes[:, owner]
    within = order - first
    down = within // wide
    x, y = within - down * wide + left, down + top
    pixel = (view * height + y) * width + x
    u = (arrays.to(x, "float32") + 0.5) * (1 / width) - 0.5
    v = (arrays.to(y, "float32") + 0.5 - height / 2) * (1 / width)
    place, skin = bodies.place[:, owner], bodies.skin[:, owner]
    own_x, own_y, straight_x = _own(place, u, v)
    alpha, chosen, deep = _silhouette(arrays, bodies.parts[:, :, owner], own_x, own_y, place[2] * width)
    coloured = bodies.colours[owner * PARTS + chosen]
    numbers = bodies.pictures[owner]
    texture = _sampled(
        arrays, bank, numbers, (own_x + 1) * skin[4] + skin[2] * WIDTH, (1 - own_y) * skin[4] + skin[3] * HEIGHT
    )
    mixed = coloured[:, 3:]
    rim = 1 - arrays.xp.clip(deep * 2, 0, 1)
    shade = (1 - skin[5] * rim * rim) * (1 + 0.3 * skin[5] * own_y)
    body = (texture * (1 - mixed) + coloured[:, :3] * mixed) * shade[:, None]
    below = canvas[pixel] * (1 - _shadow(arrays, skin[6], straight_x, own_y))[:, None]
    return pixel, below + (body - below) * alpha[:, None]


def _pixel_boxes(reach: NDArray[np.float32], size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Left and top pixel, width and height of the visible part of a bounding box."""
    height, width = size
    middle, whole = np.asarray([width / 2, height / 2]), np.asarray([width, height])
    low = np.clip(np.floor(reach[:, :2] * width + middle - _MARGIN), 0, whole)
    high = np.clip(np.ceil(reach[:, 2:] * width + middle + _MARGIN), 0, whole)
    return low.astype(np.int64), np.maximum(high - low, 0).astype(np.int64)


def _own(place: Any, u: Any, v: Any) -> tuple[Any, Any, Any]:
    """Each pixel's x and y in the body's own coordinates, and its x before bending."""
    du, dv = u - place[0], v - place[1]
    own_y = -(place[4] * dv + place[5] * du) / place[2]
    straight_x = (place[4] * du - place[5] * dv) / place[3]
    up = own_y + 0.5
    return straight_x - place[6] * up * up, own_y, straight_x


def _numbers_of_parts(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """``[B, P, 6]`` -> ``[8, P, B]``: what ``_silhouette`` needs for each part."""
    x, y, angle, half, thick, square = (parts[:, :, column].astype(np.float64).T for column in range(6))
    numbers = [x, y, np.cos(angle), np.sin(angle), 1 / half, 1 / thick, square, np.minimum(half, thick) / 2]
    return np.stack(numbers).astype(np.float32)


def _silhouette(arrays: Arrays, parts: Any, own_x: Any, own_y: Any, tall: Any) -> tuple[Any, Any, Any]:
    """For each pixel: its covered share, the part that covers it, and how deep inside that part it is, 0 to 1."""
    xp = arrays.xp
    dx, dy = own_x - parts[0], own_y - parts[1]
    along = (parts[2] * dx + parts[3] * dy) * parts[4]
    aside = (parts[2] * dy - parts[3] * dx) * parts[5]
    along, aside = along * along, aside * aside
    round_one = along + aside
    along, aside = along * along, aside * aside
    boxy = along * along + aside * aside
    deep = 1 - (round_one + (boxy - round_one) * parts[6])
    edge = deep * parts[7] * tall  # approximate distance to the edge in pixels
    most = xp.amax(edge, 0)
    order = arrays.arange(parts.shape[1])[:, None]
    # A pixel shows the last part that covers it, so the order of parts decides how joints overlap.
    chosen = xp.amax(xp.where((edge > 0) | (edge >= most), order, order * 0), 0)
    pixels = own_x.shape[0]
    depth = deep.reshape(-1)[chosen * pixels + arrays.arange(pixels)]
    return xp.clip(most + 0.5, 0, 1), chosen, xp.clip(depth, 0, 1)


def _shadow(arrays: Arrays, strength: Any, own_x: Any, own_y: Any) -> Any:
    """How dark the shadow on the ground below is."""
    wide, tall, down = _SHADOW
    x, y = own_x * (1 / wide), (own_y + down) * (1 / tall)
    return strength * arrays.xp.clip(1 - x * x - y * y, 0, 1)


_BARS: Final = np.asarray(
    [(192, 192, 192), (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0), (0, 0, 192)], np.float32
)
