"""The layout of a screen in cells. Pure arithmetic: knows neither words nor pictures."""

from dataclasses import dataclass

from svlm_cli.outputs.live.preview import fit

NARROW, LOW = 60, 12  # below these there is no preview
_LEAST_WORDS = 30  # columns beside a preview
_LEAST_LINES = 5  # rows below a preview
_TILE_COLUMNS, _TILE_ROWS = 22, 3
_PREVIEW_ROWS = 3  # of a tile; in fewer, nothing can be recognised
_USUAL = (9, 16)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells. Columns and rows count from 0."""

    column: int
    row: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class ScreenRegions:
    """The parts of a screen from top to bottom, after the header in the first row."""

    body: Area
    numbers: int  # rows of the footer
    keys: bool  # whether the row of keys is shown
    preview: bool


def divide(columns: int, rows: int) -> ScreenRegions:
    """As rows get fewer, the preview goes first, then the keys, then the numbers."""
    numbers, keys = (2, True) if rows >= 16 else (1, True) if rows >= 8 else (1, False) if rows >= 4 else (0, False)
    body = Area(0, 1, columns, max(0, rows - 1 - numbers - keys))
    return ScreenRegions(body, numbers, keys, preview=columns >= NARROW and rows >= LOW)


def beside(body: Area, picture: tuple[int, int]) -> tuple[Area, Area]:
    """The areas of preview and words: side by side, unless the preview is much larger above the words."""
    words = max(_LEAST_WORDS, body.columns * 36 // 100)
    left = fit(body.columns - words - 2, body.rows, picture)
    above = fit(body.columns, max(1, body.rows - _LEAST_LINES), picture)
    if left[0] * left[1] * 2 >= above[0] * above[1]:
        preview = Area(body.column, body.row + (body.rows - left[1]) // 3, *left)
        return preview, Area(left[0] + 2, body.row, body.columns - left[0] - 2, body.rows)
    preview = Area(body.column + (body.columns - above[0]) // 2, body.row, *above)
    return preview, Area(body.column, body.row + above[1], body.columns, body.rows - above[1])


def tiles(body: Area, count: int, *, preview: bool) -> list[Area]:
    """An area per video, or as many as fit, with the largest previews."""
    best: tuple[tuple[int, int], list[Area]] = ((-1, -1), [])
    most = max(1, min(count, (body.columns + 2) // (_TILE_COLUMNS + 2)))
    for across in range(1, most + 1):
        down = min(-(-count // across), max(1, body.rows // _TILE_ROWS))
        width, height = (body.columns - 2 * (across - 1)) // across, body.rows // down
        areas = [
            Area(body.column + column * (width + 2), body.row + row * height, width, height)
            for row in range(down)
            for column in range(across)
        ][:count]
        size = preview_of_tile(width, height) if preview else None
        shown = fit(*size, _USUAL) if size else (0, 0)
        rank = (len(areas), shown[0] * shown[1] or height)
        if rank > best[0]:
            best = (rank, areas)
    return best[1]


def preview_of_tile(columns: int, rows: int) -> tuple[int, int] | None:
    """The preview's (columns, rows) between a tile's title and two lines of words; None if too small."""
    return (columns, rows - _TILE_ROWS) if rows - _TILE_ROWS >= _PREVIEW_ROWS else None
