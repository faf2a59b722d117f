"""Pictures as half blocks: every cell has its pixels, and every terminal gets what it can show."""

import re

import numpy as np
import pytest

from svlm_cli.outputs.live.preview import Paint, Preview, colours_256, fit, shrink
from tests.outputs.live.screen import Screen

SIZE = (14, 4)


def noise() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.random.default_rng(3).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    picture[20:, :40] = picture[20, 0]  # cells alike beside each other
    return picture


def drawn(rows: list[str]) -> list[list[tuple[str, str]]]:
    screen = Screen(*SIZE, modes={"?1049": True})
    for number, line in enumerate(rows, 1):
        screen.feed(f"\x1b[{number};1H\x1b[0m{line}".encode())
    return screen.cells


def test_every_cell_has_its_two_pixels() -> None:
    """The codes are put together by hand, all cells at once, and left out where they say nothing new."""
    preview = Preview(noise(), *SIZE)
    for y, row in enumerate(drawn(preview.ansi(Paint.TRUE_COLOUR))):
        for x, (char, style) in enumerate(row):
            last = {kind: tuple(map(int, rgb)) for kind, *rgb in re.findall(r"(38|48);2;(\d+);(\d+);(\d+)", style)}
            assert char == "▀"
            assert last == {"38": tuple(preview.pixels[2 * y, x]), "48": tuple(preview.pixels[2 * y + 1, x])}


def test_cells_alike_are_told_once() -> None:
    """Over a slow connection, a still picture would cost as much as noise."""
    still = Preview(np.full((40, 60, 3), 77, dtype=np.uint8), 30, 10)
    for paint in (Paint.TRUE_COLOUR, Paint.COLOURS_256):
        for row in still.ansi(paint):
            assert row.count("▀") == 30
            assert row.count("\x1b") == 2


def test_a_terminal_of_256_colours_gets_the_nearest() -> None:
    levels = np.array([0, 95, 135, 175, 215, 255])
    pixels = np.random.default_rng(1).integers(0, 256, (50, 3), dtype=np.uint8)
    for pixel, code in zip(pixels, colours_256(pixels).tolist(), strict=True):
        chosen = [(code - 16) // 36, (code - 16) // 6 % 6, (code - 16) % 6]
        distances = abs(levels[:, None] - pixel.astype(int))
        assert (distances[chosen, range(3)] == distances.min(axis=0)).all()
    assert "38;5;" in Preview(noise(), *SIZE).ansi(Paint.COLOURS_256)[0]
    assert ";2;" not in "".join(Preview(noise(), *SIZE).ansi(Paint.COLOURS_256))


def test_without_colours_light_is_a_character() -> None:
    """NO_COLOR must not be broken by the picture."""
    ramp = np.repeat(np.linspace(0, 255, 60).astype(np.uint8)[np.newaxis, :, np.newaxis], 40, axis=0).repeat(3, axis=2)
    rows = Preview(ramp, 30, 5).ansi(Paint.SHADES)
    assert all("\x1b" not in row and len(row) == 30 for row in rows)
    assert rows[0][0] == " "
    assert rows[0][-1] == "@"


@pytest.mark.parametrize("shape", [(1080, 1920), (1920, 1080), (3, 5), (1, 1)])
def test_pictures_of_any_size_shrink(shape: tuple[int, int]) -> None:
    """One smaller than the preview, too."""
    columns, rows = fit(49, 20, shape)
    assert 1 <= columns <= 49
    assert 1 <= rows <= 20
    small = shrink(np.full((*shape, 3), 9, dtype=np.uint8), columns, rows)
    assert small.shape == (2 * rows, columns, 3)
    assert (small == 9).all()


def test_what_is_left_stays_left() -> None:
    """Rows and columns, mixed up, would look right on a picture of one colour."""
    picture = np.zeros((100, 200, 3), dtype=np.uint8)
    picture[:50, :100] = 255
    small = shrink(picture, 20, 5)
    assert (small[:5, :10] == 255).all()
    assert (small[5:] == 0).all()
    assert (small[:, 10:] == 0).all()
    assert fit(100, 10, (90, 160)) == (36, 10)
