"""A shot at some times -> the scenes from which its pictures are drawn. Knows one shot and no pixels."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.scenes import SHADOW_REACH, FootageScenes
from svlm_cli.simulator.footage.shots import Shot
from svlm_cli.simulator.footage.things import Bodies


def views_of(shot: Shot, since_s: NDArray[np.float64]) -> FootageScenes:
    """One view and one moment for each time, from the shot's beginning."""
    medium, backdrop = shot.medium, shot.backdrop
    count = len(since_s)
    content_s = medium.content_s(since_s)
    views, bodies = shot.seen(since_s)
    look = np.zeros((count, 10))
    look[:, :3] = shot.light.gains(content_s)
    look[:, 3:] = (medium.lift, medium.greyness, medium.grain, medium.blur, medium.blocks, *shot.light.slope)
    cos, sin = np.cos(views.roll) / views.zoom, np.sin(views.roll) / views.zoom
    x, y = views.centres.T
    lie = backdrop.scale * np.stack([cos, -sin, x, sin, cos, y], axis=1)
    lie[:, 2] += backdrop.x
    lie[:, 5] += backdrop.y
    turns = medium.waves_hz * content_s
    grain = (shot.number * 1_000_003 + np.rint(content_s * 1000).astype(np.int64) * 7919) % 2**31
    return FootageScenes.of_views(
        medium=np.full(count, medium.shows),
        draws=np.tile((*backdrop.picture, not backdrop.plain, backdrop.soft), (count, 1)),
        lie=lie,
        window=np.tile(medium.window, (count, 1)),
        look=look,
        weather=np.column_stack([np.tile(medium.weather, (count, 1)), content_s]),
        waves=np.column_stack([np.tile(medium.waves, (count, 1)), turns, 0.8 * turns]),
        grain=grain.astype(np.float64),
        bodies=_bodies(shot, bodies),
    )


def _bodies(shot: Shot, bodies: list[Bodies]) -> list[list[NDArray[Any]]]:
    """The bodies that may be in the picture, in the columns of `FootageScenes.of_views`."""
    columns: list[list[NDArray[Any]]] = [[] for _ in range(7)]
    if not bodies:
        return columns
    order = np.argsort(-np.stack([body.depth for body in bodies]), axis=0, kind="stable")
    for body, layer, thing in zip(bodies, np.argsort(order, axis=0), shot.things, strict=True):
        reach = body.reach()
        if thing.skin.shadow:
            reach = _with_shadow(body, reach)
        near = (reach[:, :2] < (0.5, 0.3)).all(axis=1) & (reach[:, 2:] > (-0.5, -0.3)).all(axis=1)
        on = np.flatnonzero(near)
        place = (body.x, body.y, body.height, body.width, np.cos(body.roll), np.sin(body.roll), body.bend)
        rows = (
            on,
            layer[on],
            np.stack(place, axis=1)[on],
            reach[on],
            np.tile(thing.skin.numbers, (len(on), 1)),
            body.parts[on],
            np.tile(thing.colours(), (len(on), 1, 1)),
        )
        for column, row in zip(columns, rows, strict=True):
            column.append(row)
    return columns


def _with_shadow(body: Bodies, reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bounding box of a body and of its shadow, which does not bend with it."""
    wide, low, high = SHADOW_REACH
    corners = np.asarray([(-wide, -low), (wide, -low), (-wide, -high), (wide, -high)])
    x, y = (np.tile(column, (len(reach), 1)) for column in corners.T)
    u, v = replace(body, bend=np.zeros(len(reach))).points(x, y)
    least = np.minimum(reach[:, :2], np.stack([u.min(axis=1), v.min(axis=1)], axis=1))
    most = np.maximum(reach[:, 2:], np.stack([u.max(axis=1), v.max(axis=1)], axis=1))
    return np.concatenate([least, most], axis=1)
