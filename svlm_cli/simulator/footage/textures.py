"""Pictures made from a seed alone: surfaces, patterns and rooms. Knows no photos and no scenes."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture

Floats = NDArray[Any]


def make_texture(rng: np.random.Generator, height: int, width: int) -> Picture:
    """uint8 ``[height, width, 3]`` of a random kind."""
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
    texture: Picture = np.clip(kind(rng, height, width), 0, 255).astype(np.uint8)
    return texture


def _colour(rng: np.random.Generator) -> Floats:
    """A realistic colour: mostly dull, sometimes strong."""
    grey = rng.uniform(20, 235)
    strength = rng.choice([12.0, 35.0, 80.0], p=[0.45, 0.35, 0.2])
    return np.clip(grey + rng.normal(0, strength, 3), 0, 255).astype(np.float32)


def _noise(rng: np.random.Generator, height: int, width: int, *, cells: float, falloff: float) -> Floats:
    """Octaves of smooth noise, about -1 to 1: the first with `cells` per height, each further one weaker."""
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    while cells < height:
        rows, columns = max(2, round(cells)), max(2, round(cells * width / height))
        total += strength * _stretched(rng.normal(0, 0.6, (rows + 1, columns + 1)).astype(np.float32), height, width)
        cells, strength = cells * 2, strength * falloff
    return total


def _stretched(grid: Floats, height: int, width: int) -> Floats:
    """A coarse grid, smoothly interpolated."""
    y, x = (
        np.linspace(0, size - 1.001, n, dtype=np.float32) for size, n in zip(grid.shape, (height, width), strict=True)
    )
    top, left = y.astype(int), x.astype(int)
    down, right = (part * part * (3 - 2 * part) for part in (y - top, x - left))
    rows = grid[top] * (1 - down[:, None]) + grid[top + 1] * down[:, None]
    stretched: Floats = rows[:, left] * (1 - right) + rows[:, left + 1] * right
    return stretched


def _between(share: Floats, first: Floats, second: Floats) -> Floats:
    mixed: Floats = first + np.clip(share, 0, 1)[..., None] * (second - first)
    return mixed


def _plane(height: int, width: int, angle: float) -> Floats:
    """Each pixel's coordinate along a direction, in picture heights."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    plane: Floats = (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)
    return plane


def _surface(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Stone, cloth, grass, clouds: noise between three colours, and fine grain."""
    noise = _noise(rng, height, width, cells=rng.uniform(1.5, 8), falloff=rng.uniform(0.4, 0.85))
    fine = _noise(rng, height, width, cells=rng.uniform(30, 80), falloff=0.8)
    picture = _between(0.5 + noise / 2, _colour(rng), _colour(rng))
    return _between(fine * rng.uniform(0.1, 0.7), picture, _colour(rng))


def _gradient(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A sky or a lit wall."""
    share = _plane(height, width, rng.uniform(0, 2 * np.pi))
    share = (share - share.min()) / np.ptp(share)
    picture = _between(share, _colour(rng), _colour(rng))
    return picture + rng.uniform(2, 25) * _noise(rng, height, width, cells=3, falloff=0.6)[..., None]


def _stripes(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Fences, blinds, boards, ploughed fields: stripes."""
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    way = _plane(height, width, angle) + rng.uniform(0, 0.05) * _noise(rng, height, width, cells=3, falloff=0.5)
    wave = np.sin(2 * np.pi * rng.uniform(4, 24) * way)
    picture = _between(0.5 + rng.uniform(0.5, 4) * wave, _colour(rng), _colour(rng))
    return picture + rng.uniform(4, 25) * _noise(rng, height, width, cells=8, falloff=0.7)[..., None]


def _checkers(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Tiles, bricks and windows: cells with seams, each with its own brightness."""
    tall, wide = rng.uniform(0.06, 0.3, 2)
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    row = np.floor(y / tall)
    x = x + row * wide * rng.choice([0.0, 0.5])
    column = np.floor(x / wide)
    shades = rng.normal(0, rng.uniform(5, 40), (64, 64)).astype(np.float32)
    seam = (np.minimum(y / tall - row, x / wide - column) < rng.uniform(0.05, 0.3)).astype(np.float32)
    picture = _colour(rng) + shades[row.astype(int) % 64, column.astype(int) % 64][..., None]
    if rng.random() < 0.4:
        odd = ((row + column) % 2)[..., None]
        picture = picture * (1 - odd) + _colour(rng) * odd
    picture = _between(seam, picture, _colour(rng))
    return picture + rng.uniform(3, 20) * _noise(rng, height, width, cells=10, falloff=0.8)[..., None]


def _speckles(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Pebbles, leaves, distant crowds: noise cut into patches."""
    noise = _noise(rng, height, width, cells=rng.uniform(12, 50), falloff=rng.uniform(0.3, 0.7))
    picture = _between(rng.uniform(2, 8) * noise, _colour(rng), _colour(rng))
    other = _noise(rng, height, width, cells=rng.uniform(12, 50), falloff=0.5)
    return _between(6 * (other - rng.uniform(0.2, 0.8)), picture, _colour(rng))


def _blobs(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Out of focus: large soft spots of light and shade."""
    picture = _between(0.5 + _noise(rng, height, width, cells=2, falloff=0.4), _colour(rng), _colour(rng))
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    for _ in range(rng.integers(3, 14)):
        far = np.hypot(x - rng.uniform(0, width / height), y - rng.uniform(0, 1)) / rng.uniform(0.05, 0.35)
        picture = _between(rng.uniform(0.5, 2) * (1 - far), picture, _colour(rng))
    return picture


def _room(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall and a floor, with frames, doors and furniture as rectangles, some shaded."""
    picture = _surfaced(rng, height, width)
    floor = int(height * rng.uniform(0.55, 0.85))
    picture[floor:] = _surfaced(rng, height, width)[floor:]
    for _ in range(rng.integers(2, 12)):
        tall, wide = (height * rng.uniform(0.08, 0.5, 2)).astype(int)
        top = floor - tall if rng.random() < 0.5 else int(rng.uniform(0, floor))
        left = int(rng.uniform(-wide / 2, width - wide / 2))
        area = (slice(max(0, top), min(height, top + tall)), slice(max(0, left), left + wide))
        part = picture[area]
        part[:] = _surfaced(rng, max(2, part.shape[0]), max(2, part.shape[1]))[: part.shape[0], : part.shape[1]]
        rim = int(rng.integers(1, 5))
        part[:rim] *= 0.6
        part[-rim:] *= 0.4
        part[:, -rim:] *= 0.6
    share = _plane(height, width, rng.uniform(0, 2 * np.pi))
    dimmed: Floats = picture * (1 - rng.uniform(0, 0.5) * ((share - share.min()) / np.ptp(share)))[..., None]
    return dimmed


def _surfaced(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A slightly uneven colour, or a livelier texture."""
    if rng.random() < 0.35:
        return _LIVELY[int(rng.integers(len(_LIVELY)))](rng, height, width)
    uneven = _noise(rng, height, width, cells=rng.uniform(1.5, 12), falloff=0.7)
    return _colour(rng) + rng.uniform(3, 20) * uneven[..., None]


_LIVELY: Final[tuple[Callable[[np.random.Generator, int, int], Floats], ...]] = (
    _surface,
    _stripes,
    _checkers,
    _speckles,
)
_KINDS: Final = (*_LIVELY, _gradient, _blobs, _room)
_SHARES: Final = (0.25, 0.1, 0.12, 0.13, 0.1, 0.1, 0.2)
