"""What air and camera do to a picture: light, weather, grain, blur, blocks, and the bars around it.

Knows neither things nor what is behind them, nor when any of it changes.
"""

from typing import Any, Final

import numpy as np

from svlm_cli.simulator.footage.arrays import Arrays, pixel_places
from svlm_cli.simulator.footage.scenes import FootageScenes

_BLOCK: Final = 8  # pixels, as codecs have
_STEP: Final = 12  # of brightness, of 255
_LUMA: Final = (0.3, 0.59, 0.11)


def finish(arrays: Arrays, canvas: Any, scenes: FootageScenes, size: tuple[int, int]) -> Any:
    """float32 ``[V * height * width, 3]`` of what is there -> uint8 ``[N, height, width, 3]`` of what is seen."""
    height, width = size
    views = canvas.reshape(-1, height, width, 3)
    look = arrays.put(scenes.look)[:, :, None, None]
    across, down = pixel_places(size)
    u, v = arrays.put(across), arrays.put(down)[:, None]
    if scenes.look[:, 4].any():
        grey = views[..., 0] * _LUMA[0] + views[..., 1] * _LUMA[1] + views[..., 2] * _LUMA[2]
        views = views + (grey[..., None] - views) * look[:, 4][..., None]
    gains = arrays.put(np.ascontiguousarray(scenes.look[:, None, None, :3]))
    slope = (1 + look[:, 8] * u + look[:, 9] * v)[..., None]
    views = views * gains * slope + look[:, 3][..., None]
    if scenes.weather[:, 0].any():
        views = views + _weather(arrays, scenes, size)[..., None]
    if scenes.look[:, 5].any():
        views = views + _grain(arrays, scenes, size) * look[:, 5][..., None]
    if scenes.look[:, 6].any():
        views = views + (_blurred(arrays, views, size) - views) * look[:, 6][..., None]
    if scenes.look[:, 7].any():
        views = views + (_blocks(arrays, views, size) - views) * look[:, 7][..., None]
    views = arrays.xp.clip(views, 0, 255) * _windows(arrays, scenes, size)[..., None]
    first, second = arrays.put(scenes.first.astype(np.int64)), arrays.put(scenes.second.astype(np.int64))
    pictures = views[first]
    if scenes.mix.any():
        pictures = pictures + (views[second] - pictures) * arrays.put(scenes.mix)[:, None, None, None]
    pictures = pictures * arrays.put(scenes.light)[:, None, None, None]
    return arrays.to(pictures + 0.5, "uint8")


def _grid(arrays: Arrays, size: tuple[int, int]) -> Any:
    """int32 ``[1, height, width]``: a number for each pixel."""
    height, width = size
    rows, columns = arrays.put(np.arange(height, dtype=np.int32)), arrays.put(np.arange(width, dtype=np.int32))
    return (rows[:, None] * 4096 + columns)[None]


def _grain(arrays: Arrays, scenes: FootageScenes, size: tuple[int, int]) -> Any:
    """float32 ``[V, height, width, 3]``, -1 to 1: much the same in all colours, as sensors have it after a codec."""
    bits = arrays.hashed(_grid(arrays, size) + arrays.put(scenes.grain)[:, None, None])
    fields = [arrays.to((bits >> shift) & 511, "float32") / 256 - 1 for shift in (0, 9, 18)]
    return arrays.xp.stack([0.65 * fields[1] + 0.35 * fields[0], fields[1], 0.65 * fields[1] + 0.35 * fields[2]], -1)


def _weather(arrays: Arrays, scenes: FootageScenes, size: tuple[int, int]) -> Any:
    """float32 ``[V, height, width]``: drops or flakes that fall, each in a column of its own."""
    height, width = size
    weather = arrays.put(scenes.weather)[:, :, None, None]
    x = arrays.put(np.arange(width, dtype=np.float32) * np.float32(224 / width))[None, None]
    y = arrays.put(np.arange(height, dtype=np.float32) / np.float32(height))[None, :, None]
    place = x + y * weather[:, 3] * 60
    column = arrays.xp.floor(place / 2)
    bits = arrays.hashed(arrays.to(column, "int32") * 77 + arrays.put(np.asarray([5], np.int32))[:, None, None])
    speed, start = arrays.to(bits & 255, "float32") / 256, arrays.to((bits >> 8) & 255, "float32") / 256
    fall = y - weather[:, 4] * weather[:, 2] * (0.7 + 0.6 * speed) + start * 3
    turn = arrays.xp.floor(fall)
    fresh = arrays.to(arrays.hashed(bits + arrays.to(turn, "int32") * 131) & 255, "float32") / 256
    there = (fall - turn < weather[:, 1] * (0.5 + speed)) & (fresh < weather[:, 0])
    return arrays.xp.where(there, 70.0 + 0 * fall, 0 * fall)


def _blurred(arrays: Arrays, views: Any, size: tuple[int, int]) -> Any:
    """Each pixel with its neighbours, 1 2 3 2 1 both ways."""
    for axis, count in ((1, size[0]), (2, size[1])):
        at = [arrays.put(np.clip(np.arange(count) + step, 0, count - 1)) for step in (-2, -1, 1, 2)]
        moved = [views[:, one] if axis == 1 else views[:, :, one] for one in at]
        views = ((moved[0] + moved[3]) + (moved[1] + moved[2]) * 2 + views * 3) * (1 / 9)
    return views


def _blocks(arrays: Arrays, views: Any, size: tuple[int, int]) -> Any:
    """As a poor codec leaves it: one colour a block, in coarse steps."""
    rows, columns = (np.minimum(np.arange(count) // _BLOCK * _BLOCK + _BLOCK // 2, count - 1) for count in size)
    coarse = views[:, arrays.put(rows)][:, :, arrays.put(columns)]
    return arrays.xp.floor(coarse * (1 / _STEP)) * _STEP + _STEP / 2


def _windows(arrays: Arrays, scenes: FootageScenes, size: tuple[int, int]) -> Any:
    """float32 ``[V, height, width]``: 1 within the picture, 0 on the bars around it."""
    u, v = pixel_places(size)
    left, top, right, bottom = scenes.window.T[:, :, None]
    across, down = (u >= left) & (u < right), (v >= top) & (v < bottom)
    return arrays.put(down.astype(np.float32))[:, :, None] * arrays.put(across.astype(np.float32))[:, None]
