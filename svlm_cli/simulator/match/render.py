"""Renders scenes as pictures, pixel-identical in numpy and torch.

Written once over an array namespace, using integer arithmetic, gathers and scatters that both have. A picture is a copy
of the empty pitch with discs and digits stamped on it, so it costs little more than the copy. Knows no rules and no
names.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.types import Picture
from svlm_cli.simulator.match.match import Scenes
from svlm_cli.simulator.match.pitch import (
    BALL_RADIUS,
    BOTTOM,
    BOX_DEPTH,
    BOX_HALF,
    CENTRE_X,
    CENTRE_Y,
    HEIGHT,
    LEFT,
    MOUTH,
    PER_TEAM,
    PLAYER_RADIUS,
    RIGHT,
    STRIP_HEIGHT,
    TOP,
    WIDTH,
)
from svlm_cli.simulator.match.teams import KITS

# No kit is green, like the pitch, or black, like the rims.
PALETTE: Final = {
    "red": (215, 35, 40),
    "blue": (35, 70, 220),
    "yellow": (250, 220, 40),
    "white": (250, 250, 250),
    "purple": (135, 45, 175),
    "cyan": (70, 215, 235),
    "orange": (250, 135, 20),
}
_GRASS, _OUTSIDE, _LINE, _NET = (52, 140, 62), (34, 100, 46), (120, 180, 125), (100, 120, 105)
_STRIP, _BOARD, _DIGIT = (30, 50, 38), (10, 12, 16), (255, 255, 255)
_BALL, _RIM = (255, 255, 255), (15, 15, 15)

_GLYPHS: Final = (  # 5 x 7 pixels
    "01110100011000110001100011000101110 00100011000010000100001000010001110 01110100010000100110010001000011111 "
    "01110100010000100110000011000101110 00010001100101010010111110001000010 11111100001111000001000011000101110 "
    "01110100001000011110100011000101110 11111000010001000100010000100001000 01110100011000101110100011000101110 "
    "01110100011000101111000010000101110"
).split()
_SCALE: Final = 2
_DIGIT_XY: Final = ((84, 3), (130, 3))  # corners of the home and away digits
_SWATCH_XY: Final = ((60, 4), (152, 4))
_SWATCH: Final = 12
_DOTS_XY: Final = ((110, 6), (110, 12))
_DOT: Final = 3


def draw(xp: Any, scenes: Scenes, *, device: Any = None) -> Any:
    """uint8 ``[T, HEIGHT, WIDTH, 3]``, drawn by `xp`: numpy, or torch on `device`. Pixels are identical.

    Scenes are numpy arrays in both cases, some hundred bytes per moment. Concatenate those of many matches to draw
    thousands at once.
    """

    def put(array: NDArray[Any]) -> Any:
        return xp.asarray(array) if device is None else xp.asarray(array, device=device)

    shapes = _shapes()
    discs = np.concatenate([scenes.players, scenes.ball[:, None]], axis=1).astype(np.int64)  # [T, 9, 2]
    assert ((discs >= PLAYER_RADIUS) & (discs < (WIDTH - PLAYER_RADIUS, HEIGHT - BALL_RADIUS))).all(), "off the picture"
    origins = np.arange(len(scenes))[:, None] * (HEIGHT * WIDTH)
    centres = put(origins + discs[..., 1] * WIDTH + discs[..., 0])  # [T, 9], flat indices over all pictures
    kits = put(scenes.kits.astype(np.int64))
    pixels = put(shapes.pitches)[put(scenes.scoreboard.astype(np.int64))]  # [T, H, W, 3]
    flat = pixels.reshape(-1, 3)
    offsets, colours = put(shapes.player_offsets), put(shapes.player_colours)[kits]  # [K]; [T, 2, K, 3]
    for player in range(2 * PER_TEAM):
        flat[centres[:, player, None] + offsets] = colours[:, player // PER_TEAM]
    flat[centres[:, -1, None] + put(shapes.ball_offsets)] = put(shapes.ball_colours)
    shown = np.flatnonzero(scenes.scoreboard)
    if len(shown):
        rows, score = put(shown), put(scenes.score[shown].astype(np.int64))
        digits, swatches = put(shapes.digits), put(shapes.swatches)
        for team, ((x, y), (left, top)) in enumerate(zip(_DIGIT_XY, _SWATCH_XY, strict=True)):
            height, width = shapes.digits.shape[1:3]
            pixels[rows, y : y + height, x : x + width] = digits[score[:, team]]
            pixels[rows, top : top + _SWATCH, left : left + _SWATCH] = swatches[kits[rows, team]]
    return pixels


def render(scenes: Scenes) -> Picture:
    """As `draw`, with numpy."""
    pixels: Picture = draw(np, scenes)
    return pixels


@dataclass(frozen=True, slots=True, eq=False)
class _Shapes:
    """The shapes to stamp, as arrays."""

    pitches: Picture  # [2, H, W, 3] without and with an empty scoreboard
    player_offsets: NDArray[np.int64]  # [K] offsets from the centre, in a flat picture
    player_colours: Picture  # [kits, K, 3]
    ball_offsets: NDArray[np.int64]
    ball_colours: Picture
    digits: Picture  # [10, 14, 10, 3]
    swatches: Picture  # [kits, 12, 12, 3]


@cache
def _shapes() -> _Shapes:
    kits = np.asarray([PALETTE[kit] for kit in KITS], np.uint8)
    offsets, inner = _disc(PLAYER_RADIUS)
    ball_offsets, ball_inner = _disc(BALL_RADIUS)
    glyphs = np.asarray([[int(dot) for dot in glyph] for glyph in _GLYPHS]).reshape(10, 7, 5)
    glyphs = glyphs.repeat(_SCALE, axis=1).repeat(_SCALE, axis=2)[..., None]
    return _Shapes(
        pitches=np.stack([_pitch(), _pitch(board=True)]),
        player_offsets=offsets,
        player_colours=np.where(inner[:, None], kits[:, None], (kits // 2)[:, None]).astype(np.uint8),
        ball_offsets=ball_offsets,
        ball_colours=np.where(ball_inner[:, None], _BALL, _RIM).astype(np.uint8),
        digits=np.where(glyphs == 1, _DIGIT, _BOARD).astype(np.uint8),
        swatches=np.tile(kits[:, None, None], (1, _SWATCH, _SWATCH, 1)),
    )


def _disc(radius: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The pixels of a disc, as offsets, and which of them are inside the rim."""
    reach = np.arange(-radius, radius + 1)
    square = reach[:, None] ** 2 + reach**2
    inside = square <= radius * (radius + 1)
    offsets = (reach[:, None] * WIDTH + reach)[inside]
    return offsets.astype(np.int64), (square <= (radius - 1) * radius)[inside]


def _pitch(*, board: bool = False) -> Picture:
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = _OUTSIDE
    picture[:STRIP_HEIGHT] = _STRIP
    picture[TOP : BOTTOM + 1, LEFT : RIGHT + 1] = _GRASS
    _outline(picture, LEFT, TOP, RIGHT, BOTTOM)
    for goal, line in ((3, LEFT), (RIGHT, WIDTH - 4)):
        picture[CENTRE_Y - MOUTH : CENTRE_Y + MOUTH + 1, goal : line + 1] = _NET
        _outline(picture, goal, CENTRE_Y - MOUTH, line, CENTRE_Y + MOUTH)
    _outline(picture, LEFT, CENTRE_Y - BOX_HALF, LEFT + BOX_DEPTH, CENTRE_Y + BOX_HALF)
    _outline(picture, RIGHT - BOX_DEPTH, CENTRE_Y - BOX_HALF, RIGHT, CENTRE_Y + BOX_HALF)
    picture[TOP : BOTTOM + 1, CENTRE_X] = _LINE
    if board:
        picture[1 : STRIP_HEIGHT - 1, _SWATCH_XY[0][0] - 4 : _SWATCH_XY[1][0] + _SWATCH + 4] = _BOARD
        for x, y in _DOTS_XY:
            picture[y : y + _DOT, x : x + _DOT] = _DIGIT
    return picture


def _outline(picture: Picture, left: int, top: int, right: int, bottom: int) -> None:
    picture[[top, bottom], left : right + 1] = _LINE
    picture[top : bottom + 1, [left, right]] = _LINE
