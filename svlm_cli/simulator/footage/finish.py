"""Effects over the whole picture: light, weather, grain, blur, compression blocks, and black bars.

Knows neither things nor backgrounds, and no times.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from svlm_cli.simulator.footage.arrays import Arrays, pixel_places
from svlm_cli.simulator.footage.scenes import FootageScenes

_BLOCK: Final = 8  # pixels, as in codecs
_STEP: Final = 12  # of brightness, out of 255
_SHOULDER: Final = 200.0  # brightness from which it is compressed
_LUMA: Final = (0.3, 0.59, 0.11)


@dataclass(frozen=True, slots=True)
class FinishInputs:
    """Arrays on the device that ``finish_pixels`` needs; None for effects that no view has."""

    u: Any  # [W]
    v: Any  # [H, 1]
    look: Any  # [V, 10, 1, 1], see `FootageScenes.look`
    inside: Any  # [V, H, W]: 1 within the picture, 0 on the bars around it
    first: Any  # [N] the view of each moment
    light: Any  # [N, 1, 1, 1]
    grey: bool
    weather: Any | None  # [V, 5, 1, 1]
    columns: Any  # [1, 1, W] in pixels of a picture 224 pixels wide
    rows: Any  # [1, H, 1] in picture heights
    grain: Any | None  # int32 [V, H, W]: a number for each pixel
    beside: tuple[tuple[Any, ...], tuple[Any, ...]] | None  # four neighbours, [H] down and [W] across: for blur
    blocks: tuple[Any, Any] | None  # [H] and [W], the middles of blocks
    second: Any | None  # [N] the view to blend in
    mix: Any | None  # [N, 1, 1, 1] weight of the second view


def finish_inputs(arrays: Arrays, scenes: FootageScenes, size: tuple[int, int]) -> FinishInputs:
    """The inputs for `scenes`. Compiled code always gets all of them, so that it is compiled only once."""
    height, width = size
    across, down = pixel_places(size)
    everything = arrays.compiled
    grey, grain, blur, blocks = (everything or bool(scenes.look[:, column].any()) for column in (4, 5, 6, 7))
    falls, mixes = everything or bool(scenes.weather[:, 0].any()), everything or bool(scenes.mix.any())
    fine = np.arange(width, dtype=np.float32) * np.float32(224 / width)
    return FinishInputs(
        u=arrays.put(across),
        v=arrays.put(down)[:, None],
        look=arrays.put(scenes.look)[:, :, None, None],
        inside=_inside(arrays, scenes, size),
        first=arrays.put(scenes.first.astype(np.int64)),
        light=arrays.put(scenes.light)[:, None, None, None],
        grey=grey,
        weather=arrays.put(scenes.weather)[:, :, None, None] if falls else None,
        columns=arrays.put(fine)[None, None],
        rows=arrays.put(np.arange(height, dtype=np.float32) / np.float32(height))[None, :, None],
        grain=_numbered(arrays, size) + arrays.put(scenes.grain)[:, None, None] if grain else None,
        beside=(_beside(arrays, height), _beside(arrays, width)) if blur else None,
        blocks=(_middles(arrays, height), _middles(arrays, width)) if blocks else None,
        second=arrays.put(scenes.second.astype(np.int64)) if mixes else None,
        mix=arrays.put(scenes.mix)[:, None, None, None] if mixes else None,
    )


def finish_pixels(arrays: Arrays, canvas: Any, given: FinishInputs) -> Any:
    """Apply the effects: float32 ``[V * H * W, 3]`` without them -> uint8 ``[N, H, W, 3]`` with them."""
    look = given.look
    views = canvas.reshape(*given.inside.shape, 3)
    if given.grey:
        grey = views[..., 0] * _LUMA[0] + views[..., 1] * _LUMA[1] + views[..., 2] * _LUMA[2]
        views = views + (grey[..., None] - views) * look[:, 4][..., None]
    gains = look[:, :3, 0, 0][:, None, None]
    slope = (1 + look[:, 8] * given.u + look[:, 9] * given.v)[..., None]
    views = views * gains * slope + look[:, 3][..., None]
    if given.weather is not None:
        views = views + _weather(arrays, given.weather, given.columns, given.rows)[..., None]
    if given.grain is not None:
        views = views + _grain(arrays, given.grain) * look[:, 5][..., None]
    if given.beside is not None:
        views = views + (_blurred(views, *given.beside) - views) * look[:, 6][..., None]
    if given.blocks is not None:
        coarse = views[:, given.blocks[0]][:, :, given.blocks[1]]
        views = views + (arrays.xp.floor(coarse * (1 / _STEP)) * _STEP + _STEP / 2 - views) * look[:, 7][..., None]
    views = _exposed(arrays, views) * given.inside[..., None]
    pictures = views[given.first]
    if given.second is not None:
        pictures = pictures + (views[given.second] - pictures) * given.mix
    return arrays.to(pictures * given.light + 0.5, "uint8")


def _exposed(arrays: Arrays, views: Any) -> Any:
    """Brightness as a sensor records it, 0 to 255: the brightest parts approach white, so that they stay apart."""
    over = arrays.xp.clip(views - _SHOULDER, 0, None)
    return arrays.xp.clip(views, 0, _SHOULDER) + over * (255 - _SHOULDER) / (over + (255 - _SHOULDER))


def _numbered(arrays: Arrays, size: tuple[int, int]) -> Any:
    """int32 ``[1, height, width]``: a number for each pixel."""
    height, width = size
    rows, columns = arrays.put(np.arange(height, dtype=np.int32)), arrays.put(np.arange(width, dtype=np.int32))
    return (rows[:, None] * 4096 + columns)[None]


def _beside(arrays: Arrays, count: int) -> tuple[Any, ...]:
    """For a row of `count` pixels: the indices of the neighbours 2 and 1 before, and 1 and 2 after each."""
    return tuple(arrays.put(np.clip(np.arange(count) + step, 0, count - 1)) for step in (-2, -1, 1, 2))


def _middles(arrays: Arrays, count: int) -> Any:
    """For a row of `count` pixels: the index of the middle of each one's block."""
    return arrays.put(np.minimum(np.arange(count) // _BLOCK * _BLOCK + _BLOCK // 2, count - 1))


def _grain(arrays: Arrays, numbers: Any) -> Any:
    """float32 ``[V, height, width, 3]``, -1 to 1: noise, similar in all colours, as it is after a codec."""
    bits = arrays.hashed(numbers)
    fields = [arrays.to((bits >> shift) & 511, "float32") / 256 - 1 for shift in (0, 9, 18)]
    return arrays.xp.stack([0.65 * fields[1] + 0.35 * fields[0], fields[1], 0.65 * fields[1] + 0.35 * fields[2]], -1)


def _weather(arrays: Arrays, weather: Any, x: Any, y: Any) -> Any:
    """float32 ``[V, height, width]``: falling drops or flakes, each in its own column."""
    place = x + y * weather[:, 3] * 60
    column = arrays.xp.floor(place / 2)
    bits = arrays.hashed(arrays.to(column, "int32") * 77 + 5)
    speed, start = arrays.to(bits & 255, "float32") / 256, arrays.to((bits >> 8) & 255, "float32") / 256
    fall = y - weather[:, 4] * weather[:, 2] * (0.7 + 0.6 * speed) + start * 3
    turn = arrays.xp.floor(fall)
    fresh = arrays.to(arrays.hashed(bits + arrays.to(turn, "int32") * 131) & 255, "float32") / 256
    there = (fall - turn < weather[:, 1] * (0.5 + speed)) & (fresh < weather[:, 0])
    return arrays.xp.where(there, 70.0 + 0 * fall, 0 * fall)


def _blurred(views: Any, down: tuple[Any, ...], across: tuple[Any, ...]) -> Any:
    """Blur with the kernel 1 2 3 2 1 in both directions."""
    for axis, beside in ((1, down), (2, across)):
        moved = [views[:, one] if axis == 1 else views[:, :, one] for one in beside]
        views = ((moved[0] + moved[3]) + (moved[1] + moved[2]) * 2 + views * 3) * (1 / 9)
    return views


def _inside(arrays: Arrays, scenes: FootageScenes, size: tuple[int, int]) -> Any:
    """float32 ``[V, height, width]``: 1 within the picture, 0 on the bars around it."""
    u, v = pixel_places(size)
    left, top, right, bottom = scenes.window.T[:, :, None]
    across, down = (u >= left) & (u < right), (v >= top) & (v < bottom)
    return arrays.put(down.astype(np.float32))[:, :, None] * arrays.put(across.astype(np.float32))[:, None]
