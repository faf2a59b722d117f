"""Which events of a log are worth a remark, and when they can be known. Knows neither sentences nor the speaker.

A remark is due when the pictures have shown the event, not when it began in the log: a pan takes a second to see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.simulator.footage import noting
from svlm_cli.simulator.footage.events import EventKind, SeenEvent
from svlm_cli.simulator.footage.shots import How
from svlm_cli.simulator.footage.statements import LEAVES, STOPS, Statement, Topic

SEEN_AFTER_S: Final = 1.0  # for motion: two pictures at two per second show it, a third confirms it
LASTS_S: Final = 1.0  # shorter events of the camera, the light or a thing are not mentioned
ARRIVES_WITHIN_S: Final = 2.0  # a thing that has not fully entered by then is mentioned all the same
CROWD_GAP_S: Final = 3.0  # for which fewer may move, and it is the same crowd
ENTRANCE_S: Final = 3.0  # for which a thing that continues in the direction of its entrance is no news
_OPPOSITE: Final = {"left": "right", "right": "left", "top": "down", "bottom": "up"}
_DARKNESS: Final = {"bright": 0, "normal": 1, "dark": 2}


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark that may be made."""

    statement: Statement
    from_s: float  # when it can be known
    thing: int | None = None
    large: int = 1  # 0 small, 1 neither, 2 large; the largest first


def remarks(events: Sequence[SeenEvent]) -> Iterator[Remark]:
    """The remarks on a shot's events, in order of time."""
    shot = shot_of(events)
    found = [*_of_the_picture(shot, events), *_of_things(events)]
    yield from sorted(found, key=lambda one: one.from_s)


def shot_of(events: Sequence[SeenEvent]) -> SeenEvent:
    """The shot itself, among its events."""
    return next(event for event in events if event.kind is EventKind.SHOT)


def still_stretches(events: Sequence[SeenEvent]) -> list[tuple[float, float]]:
    """Where in a shot neither the camera nor anything else moves, and the light does not change."""
    quiet = {
        EventKind.MOTION: ("nothing",),
        EventKind.CAMERA: ("still",),
        EventKind.LIGHT: ("dark", "normal", "bright"),
    }
    loud = [(one.start_s, one.end_s) for one in events if one.kind in quiet and one.what not in quiet[one.kind]]
    shot = shot_of(events)
    found, since_s = [], shot.start_s
    for start_s, end_s in sorted(loud):
        if start_s > since_s:
            found.append((since_s, start_s))
        since_s = max(since_s, end_s)
    return [*found, (since_s, shot.end_s)] if since_s < shot.end_s else found


def crowds(events: Sequence[SeenEvent]) -> list[tuple[float, float]]:
    """When a person knows that many things move in a shot, from and to."""
    found: list[tuple[float, float]] = []
    for event in events:
        if event.kind is not EventKind.NUMBER or event.what != "many":
            continue
        if found and event.start_s - found[-1][1] < CROWD_GAP_S:
            found[-1] = (found[-1][0], event.end_s)
        else:
            found.append((event.start_s, event.end_s))
    return [(start_s + SEEN_AFTER_S, end_s) for start_s, end_s in found if end_s - start_s > SEEN_AFTER_S]


def _of_the_picture(shot: SeenEvent, events: Sequence[SeenEvent]) -> Iterator[Remark]:
    if shot.what != "start":
        seen_s = SEEN_AFTER_S if shot.what == How.CROSS_FADE else 0.0
        yield Remark(Statement(Topic.CUT, shot.what), shot.start_s + seen_s)
    yield from _of_the_camera([event for event in events if event.kind is EventKind.CAMERA])
    yield from _of_the_light([event for event in events if event.kind is EventKind.LIGHT])
    for event in events:
        if event.kind is EventKind.MEDIUM and event.what != "picture" and _lasts(event):
            yield Remark(Statement(Topic.PICTURE, event.what), event.start_s + SEEN_AFTER_S)
        if event.kind is EventKind.WEATHER:
            yield Remark(Statement(Topic.WEATHER, event.what), event.start_s + SEEN_AFTER_S)


def _of_the_camera(states: Sequence[SeenEvent]) -> Iterator[Remark]:
    before = ""
    shook = False
    for state in states:
        if not _lasts(state):
            continue
        what = {"still": "stops", "moves otherwise": "moves"}.get(state.what, state.what)
        news = before not in ("", "shakes", "stops") if what == "stops" else what != before
        if news and not (what == "shakes" and (shook or before)):
            yield Remark(Statement(Topic.CAMERA, what), state.start_s + SEEN_AFTER_S)
        shook |= what == "shakes"
        before = what


def _of_the_light(states: Sequence[SeenEvent]) -> Iterator[Remark]:
    level = ""
    for state in states:
        what = state.what
        if what == "flickers":
            yield Remark(Statement(Topic.LIGHT, what), state.start_s + SEEN_AFTER_S)
        elif what in _DARKNESS:
            if not level and what != "normal":
                yield Remark(Statement(Topic.LIGHT, what), state.start_s + SEEN_AFTER_S)
            elif level and what != level:
                brighter = _DARKNESS[what] < _DARKNESS[level]
                yield Remark(Statement(Topic.LIGHT, "brighter" if brighter else "darker"), state.start_s)
            level = what


def _of_things(events: Sequence[SeenEvent]) -> Iterator[Remark]:
    entered: dict[int | None, SeenEvent] = {}
    for event in events:
        size = event.size if event.size in ("small", "large") else ""
        large = {"small": 0, "large": 2}.get(size, 1)
        match event.kind:
            case EventKind.ENTERS:
                entered[event.thing] = event
                in_s = min(event.end_s, event.start_s + ARRIVES_WITHIN_S)
                yield Remark(Statement(Topic.ENTERS, event.side, size=size), in_s, event.thing, large)
            case EventKind.LEAVES if event.side in LEAVES or event.side == "middle":
                away_s = noting.AWAY_S if event.side == "middle" else 0.0
                told = Statement(Topic.LEAVES, event.side)
                yield Remark(told, event.end_s + away_s, event.thing, large)
            case EventKind.STOPS:
                place = event.place.split()[0]
                assert place in STOPS, "a place is across, then down"
                seen_s = event.start_s + SEEN_AFTER_S
                yield Remark(Statement(Topic.STOPS, place, size=size), seen_s, event.thing, large)
            case EventKind.MOVES if event.direction != "about" and _lasts(event):
                if not _came_so(entered.get(event.thing), event):
                    seen_s = event.start_s + SEEN_AFTER_S
                    told = Statement(Topic.MOVES, event.direction, size=size)
                    yield Remark(told, seen_s, event.thing, large)


def _came_so(entrance: SeenEvent | None, move: SeenEvent) -> bool:
    """Whether it continues in the direction in which it entered."""
    if entrance is None or move.start_s - entrance.end_s > ENTRANCE_S:
        return False
    return entrance.side == "middle" or _OPPOSITE[entrance.side] == move.direction


def _lasts(event: SeenEvent) -> bool:
    return event.end_s - event.start_s >= LASTS_S
