"""Dense descriptions of footage, second by second, for the stage in which a model learns to see.

``still n2 c3 r2 small left c7 r4 large right enters left`` says what the camera does, how many things move, for each
of the largest its cell in a grid of nine by five, its size and its direction, and what has just happened, whether or
not the commentary mentions it. Such descriptions are for training only.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage import noting
from svlm_cli.simulator.footage.events import EventKind, FootageLog, SeenEvent
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.remarks import remarks
from svlm_cli.simulator.footage.scenes import ASPECT

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, see `ThingTrack`."""

COLUMNS, ROWS = 9, 5
THING_MOTIONS: Final = ("left", "right", "up", "down", "nearer", "away", "about")
_TURNS: Final = ("pans left", "pans right", "tilts up", "tilts down", "zooms in", "zooms out")
MOTIONS: Final = ("", *THING_MOTIONS, "shakes", *_TURNS, "follows", "moves otherwise")  # of a cell; empty: none
MOST_THINGS: Final = 3
ENDLESS_MATCH: Final = "match"  # the whole description of Endless Match
FAST: Final = 0.15  # picture widths per second
_AT_S: Final = 0.5  # within each second: its last picture at two per second
_WORDS: Final = {"moves otherwise": "moves", "test pattern": "bars"}


def describe(footage: EndlessFootage, second: int) -> str:
    """Describe what the picture shows in the middle of a second."""
    now_s = second + _AT_S
    log = footage.log(now_s, now_s + noting.TICK_S)
    states = _states(log, now_s)
    medium = states[EventKind.MEDIUM].what
    if medium in ("black", "test pattern"):
        return _WORDS.get(medium, medium)
    camera, light = states[EventKind.CAMERA], states[EventKind.LIGHT].what
    said = [_WORDS.get(camera.what, camera.what)]
    if camera.what not in ("still", "shakes"):
        said.append("fast" if camera.speed >= FAST else "slow")
    said += [light] if light != "normal" else []
    said += [medium] if medium == "frozen" else []
    said.append(f"n{states[EventKind.NUMBER].what}")
    return " ".join([*said, *_things(log, now_s), *_news(footage, now_s)])


def moving_cells(footage: EndlessFootage, second: int, rows: int, columns: int) -> NDArray[np.int8]:
    """``[rows, columns]``: what moves in each cell of the picture in the middle of a second, as indices in `MOTIONS`.

    A thing moves in the cells whose middles its box contains, or in the one at its own middle. Of several, the smallest
    counts. Everywhere else, it is the camera that moves, if anything does.
    """
    now_s = second + _AT_S
    log = footage.log(now_s, now_s + noting.TICK_S)
    camera = _states(log, now_s)[EventKind.CAMERA].what
    cells = np.full((rows, columns), 0 if camera == "still" else MOTIONS.index(camera), np.int8)
    for (left, top, right, bottom), move in sorted(_moving(log, now_s), key=_area, reverse=True):
        down = _cells(top / ASPECT + 0.5, bottom / ASPECT + 0.5, rows)
        cells[down, _cells(left + 0.5, right + 0.5, columns)] = MOTIONS.index(move.direction)
    return cells


def _states(log: FootageLog, now_s: float) -> dict[EventKind, SeenEvent]:
    """What holds at a moment, by its kind; of the kinds that hold for each thing, one."""
    return {event.kind: event for event in log.events if event.start_s <= now_s < event.end_s and event.what}


def _cells(low: float, high: float, count: int) -> slice:
    """Of `count` cells between 0 and 1, those whose middles lie between two places, or the one at their middle."""
    at = min(max(int((low + high) / 2 * count), 0), count - 1)
    return slice(min(round(low * count), at), max(round(high * count), at + 1))


def _news(footage: EndlessFootage, now_s: float) -> list[str]:
    """What a remark could be made about since the second before, each kind once."""
    shot = footage.shots(now_s, now_s + noting.TICK_S)[-1]
    due = [one for one in remarks(footage.shot_log(shot.number).events) if now_s - 1 < one.from_s <= now_s]
    told = [f"{one.statement.topic} {one.statement.what}" for one in due if one.thing is not None]
    return sorted(set(told))[:MOST_THINGS]


def _things(log: FootageLog, now_s: float) -> list[str]:
    """Describe the largest of the moving things."""
    found = sorted((_thing(box, move) for box, move in _moving(log, now_s)), reverse=True)
    return [text for _, text in found[:MOST_THINGS]]


def _moving(log: FootageLog, now_s: float) -> Iterator[tuple[Box, SeenEvent]]:
    """The boxes of all things that move, and how they move."""
    going = {
        event.thing: event
        for event in log.events
        if event.kind is EventKind.MOVES and event.start_s <= now_s < event.end_s
    }
    for track in log.tracks:
        at = int(np.searchsorted(track.times_s, now_s, side="right")) - 1
        move = going.get(track.thing)
        if move is not None and 0 <= at < len(track.times_s) and track.seen[at] > noting.GONE:
            left, top, right, bottom = (float(edge) for edge in track.boxes[at])
            yield (left, top, right, bottom), move


def _area(moving: tuple[Box, SeenEvent]) -> float:
    left, top, right, bottom = moving[0]
    return (right - left) * (bottom - top)


def _thing(box: Box, move: SeenEvent) -> tuple[float, str]:
    left, top, right, bottom = box
    column = min(int(((left + right) / 2 + 0.5) * COLUMNS), COLUMNS - 1)
    row = min(int(((top + bottom) / 2 / ASPECT + 0.5) * ROWS), ROWS - 1)
    tall = (bottom - top) / ASPECT
    size = "small" if tall < noting.SMALL else "large" if tall > noting.LARGE else "middle"
    return _area((box, move)), f"c{column + 1} r{row + 1} {size} {move.direction}"


def words_of_descriptions() -> list[str]:
    """All words that occur in descriptions, for a tokenizer."""
    cells = [f"c{one + 1}" for one in range(COLUMNS)] + [f"r{one + 1}" for one in range(ROWS)]
    counts = [f"n{one}" for one in (0, 1, 2, 3, "many")]
    going = "still shakes pans tilts zooms follows moves left right up down in out nearer away about slow fast"
    looks = f"small middle large dark bright flickers changes frozen black bars {ENDLESS_MATCH}"
    news = "enters leaves stops top bottom"
    return [*cells, *counts, *going.split(), *looks.split(), *news.split()]
