"""What is visible of each thing: points of its parts are inside the picture or not, hidden by nearer things or not.

Knows bodies; neither shots nor what is said about them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.silhouettes import THERE
from svlm_cli.simulator.footage.things import Bodies

Floats = NDArray[np.float64]

# Points of a part, in half lengths and half widths: enough for shares to about a tenth.
_POINTS: Final = np.asarray([(0, 0), (0.7, 0), (-0.7, 0), (0, 0.7), (0, -0.7), (0.55, 0.55), (-0.55, -0.55)])


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What is visible of one thing at T times."""

    reach: Floats  # [T, 4] left, top, right, bottom, not clipped
    boxes: Floats  # [T, 4] the same, clipped to the picture
    within: Floats  # [T] its share inside the picture, hidden or not
    seen: Floats  # [T] its visible share
    stirring: Floats  # [T] RMS speed of its points relative to its own, picture widths per second


def look(bodies: Sequence[Bodies], window: tuple[float, float, float, float], tick_s: float) -> list[Sight]:
    """What is visible of each body, every `tick_s`, within `window`: left, top, right and bottom."""
    reaches = [body.reach() for body in bodies]
    sights = []
    for number, body in enumerate(bodies):
        own_x, own_y, weights = _points(body.parts)
        u, v = body.points(own_x, own_y)
        within = (u >= window[0]) & (u < window[2]) & (v >= window[1]) & (v < window[3])
        free = within.copy()
        for other, (nearer, reach) in enumerate(zip(bodies, reaches, strict=True)):
            if other == number:
                continue
            meets = (reach[:, :2] < reaches[number][:, 2:]).all(axis=1) & (reach[:, 2:] > reaches[number][:, :2]).all(
                axis=1
            )
            # Of two that are equally near, the one drawn later is in front, as in the stable order of layers.
            front = nearer.depth < body.depth if other < number else nearer.depth <= body.depth
            times = np.flatnonzero(meets & front & within.any(axis=1))
            if len(times):
                free[times] &= ~_covers(nearer, times, u[times], v[times])
        total = weights.sum(axis=1)
        stirring = _stirring(body, own_x, own_y, weights / total[:, None], tick_s)
        cut = np.clip(reaches[number], [*window[:2], *window[:2]], [*window[2:], *window[2:]])
        sights.append(
            Sight(
                reach=reaches[number],
                boxes=cut,
                within=(within * weights).sum(axis=1) / total,
                seen=(free * weights).sum(axis=1) / total,
                stirring=stirring,
            )
        )
    return sights


def _points(parts: Floats) -> tuple[Floats, Floats, Floats]:
    """Own x and y of sample points ``[T, n]``, and the area that each stands for."""
    x, y, angle, half, thick = (parts[:, :, column, None] for column in range(5))
    along, aside = half * _POINTS[:, 0], thick * _POINTS[:, 1]
    cos, sin = np.cos(angle), np.sin(angle)
    own_x, own_y = x + cos * along - sin * aside, y + sin * along + cos * aside
    weights = np.broadcast_to(half * thick * (x < THERE), own_x.shape)
    count = len(parts)
    return own_x.reshape(count, -1), own_y.reshape(count, -1), weights.reshape(count, -1)


def _covers(body: Bodies, times: NDArray[np.int64], u: Floats, v: Floats) -> NDArray[np.bool_]:
    """Whether points of the picture ``[T, n]`` lie on a body, at some of its times."""
    part = body.at(times)
    own_x, own_y = part.own(u, v)
    covered = np.zeros(u.shape, np.bool_)
    for number in range(part.parts.shape[1]):
        x, y, angle, half, thick, square = (part.parts[:, number, column, None] for column in range(6))
        if x[0, 0] > THERE:
            continue
        dx, dy = own_x - x, own_y - y
        along = ((np.cos(angle) * dx + np.sin(angle) * dy) / half) ** 2
        aside = ((np.cos(angle) * dy - np.sin(angle) * dx) / thick) ** 2
        covered |= (1 - square) * (along + aside) + square * (along**4 + aside**4) < 1
    return covered


def _stirring(body: Bodies, own_x: Floats, own_y: Floats, weights: Floats, tick_s: float) -> Floats:
    """RMS speed of its points relative to its middle; a quick hand counts more than a slow trunk."""
    if len(own_x) < 2:
        return np.zeros(len(own_x))
    across = np.gradient(own_x + body.bend[:, None] * (own_y + 0.5) ** 2, tick_s, axis=0)
    up = np.gradient(own_y, tick_s, axis=0)
    stirring: Floats = np.sqrt(((across**2 + up**2) * weights).sum(axis=1)) * body.height
    return stirring
