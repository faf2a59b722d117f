"""The log of a shot: what a careful observer without errors would note. From the geometry, not from pixels.

Knows a shot and the thresholds of ``noting.py``; no other shot, and no words.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage import noting
from svlm_cli.simulator.footage.doings import Doing
from svlm_cli.simulator.footage.events import EventKind, FootageLog, SeenEvent, ThingTrack
from svlm_cli.simulator.footage.light import Light
from svlm_cli.simulator.footage.scenes import BARS, BLACK
from svlm_cli.simulator.footage.shots import Shot
from svlm_cli.simulator.footage.sight import look
from svlm_cli.simulator.footage.states import held, spans

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.str_]

THINGS_A_SHOT: Final = 100  # a thing's number is this times its shot's number, plus its own
_MOMENT_S: Final = noting.TICK_S / 2
_LASTS: Final = round(noting.LASTS_S / noting.TICK_S)
_DEAD: Final = {BLACK: "black", BARS: "test pattern"}


def log_of(shot: Shot) -> FootageLog:
    """The log of one shot, in times of the footage."""
    times_s = noting.TICK_S * np.arange(max(2, round(shot.length_s / noting.TICK_S)), dtype=np.float64)
    medium = shot.medium
    frozen = (times_s >= medium.frozen_from_s) & (times_s < medium.frozen_from_s + medium.frozen_s)
    doings, tracks = _look(shot, times_s, frozen)
    states = {
        EventKind.MEDIUM: _medium(shot, frozen),
        EventKind.LIGHT: _light(shot.light, medium.content_s(times_s)),
        EventKind.MOTION: _motion(shot, doings, frozen),
        EventKind.NUMBER: _number(doings, len(times_s)),
    }
    events = [SeenEvent(EventKind.SHOT, shot.start_s, shot.end_s, what=shot.how)]
    for kind, labels in states.items():
        events += _covering(shot, kind, labels)
    events += _camera(shot, times_s, frozen)
    if medium.weather[0]:
        events.append(
            SeenEvent(EventKind.WEATHER, shot.start_s, shot.end_s, what="rain" if medium.weather[1] > 0.03 else "snow")
        )
    for doing in doings:
        events += doing.events()
    # The last tick may end slightly after the shot.
    events = [replace(event, end_s=min(event.end_s, shot.end_s)) for event in events if event.start_s < shot.end_s]
    return FootageLog(tuple(sorted(events, key=lambda event: event.start_s)), tuple(tracks))


def _look(shot: Shot, times_s: Floats, frozen: Flags) -> tuple[list[Doing], list[ThingTrack]]:
    """What each thing does, and where it is."""
    views, bodies = shot.seen(times_s)
    content_s = shot.medium.content_s(times_s)
    doings, tracks = [], []
    for thing, sight in zip(shot.things, look(bodies, shot.medium.window, noting.TICK_S), strict=True):
        if thing.printed:
            continue
        number = shot.number * THINGS_A_SHOT + thing.number
        before, after = thing.path.at(content_s - _MOMENT_S), thing.path.at(content_s + _MOMENT_S)
        speeds = (after - before) / (2 * _MOMENT_S)
        velocity = speeds[:, :2] * views.zoom[:, None]
        doings.append(Doing(number, shot.start_s, sight, velocity, speeds[:, 2], shot.medium.window, frozen))
        if sight.seen.any():
            tracks.append(ThingTrack(number, shot.start_s + times_s, sight.boxes, sight.seen))
    return doings, tracks


def _covering(shot: Shot, kind: EventKind, labels: Labels) -> list[SeenEvent]:
    """States that cover the whole shot; the last one ends with it."""
    found = [
        SeenEvent(kind, shot.start_s + first * noting.TICK_S, shot.start_s + last * noting.TICK_S, what=label)
        for first, last, label in spans(labels, _LASTS)
    ]
    found[-1] = replace(found[-1], end_s=shot.end_s)
    return [replace(one, start_s=round(one.start_s, 3), end_s=round(one.end_s, 3)) for one in found]


def _medium(shot: Shot, frozen: Flags) -> Labels:
    return np.where(frozen, "frozen", _DEAD.get(shot.medium.shows, "picture"))


def _light(light: Light, content_s: Floats) -> Labels:
    level = light.level(content_s)
    labels = np.where(level < noting.DARK, "dark", np.where(level > noting.BRIGHT, "bright", "normal"))
    for change in light.changes:
        end_s = max(change.end_s, change.start_s + noting.SUDDEN_S)
        labels = np.where((content_s >= change.start_s) & (content_s < end_s), "changes", labels)
    for flicker in light.flickers:
        labels = np.where((content_s >= flicker.start_s) & (content_s < flicker.end_s), "flickers", labels)
    return labels


def _motion(shot: Shot, doings: list[Doing], frozen: Flags) -> Labels:
    """How much moves, apart from the camera."""
    amount = np.zeros(len(frozen))
    for doing in doings:
        weight = np.where(doing.travels(), 1.0, noting.STIRRING)
        amount += doing.moves() * doing.covers() * weight
    if shot.medium.weather[0] or shot.medium.waves[3] >= noting.RIPPLES:
        amount = np.maximum(amount, noting.LITTLE)  # ripples and drops
    amount *= ~frozen
    names = np.asarray(["nothing", "little", "some", "much"])
    amounts: Labels = names[np.searchsorted([noting.LITTLE, noting.SOME, noting.MUCH], amount, side="right")]
    return amounts


def _number(doings: list[Doing], count: int) -> Labels:
    moving = np.sum([doing.moves() for doing in doings], axis=0, dtype=int) if doings else np.zeros(count, int)
    counts: Labels = np.asarray(["0", "1", "2", "3", "many"])[np.minimum(moving, noting.MANY)]
    return counts


def _camera(shot: Shot, times_s: Floats, frozen: Flags) -> list[SeenEvent]:
    """What the camera does, and how fast."""
    content_s = shot.medium.content_s(times_s)
    before, after = shot.camera.steady(content_s - _MOMENT_S), shot.camera.steady(content_s + _MOMENT_S)
    speeds = (after - before) / (2 * _MOMENT_S)
    zoom = np.exp(shot.camera.steady(content_s)[:, 2])
    x, y, zooming = speeds[:, 0] * zoom, speeds[:, 1] * zoom, speeds[:, 2]
    way = np.hypot(x, y)
    pans = held(way, noting.PANS, noting.PANS / 2)
    zooms = held(np.abs(zooming), noting.ZOOMS, noting.ZOOMS / 2)
    slanted = np.minimum(np.abs(x), np.abs(y)) > noting.SLANTS * np.maximum(np.abs(x), np.abs(y))
    sideways = np.where(np.abs(x) >= np.abs(y), np.where(x < 0, "pans left", "pans right"), "")
    sideways = np.where(sideways == "", np.where(y < 0, "tilts up", "tilts down"), sideways)
    sideways = np.where(slanted, "moves otherwise", sideways)
    if shot.camera.follows is not None:
        sideways = np.full(len(times_s), "follows")
    shakes = shot.camera.shake is not None and shot.camera.shake.size >= noting.SHAKES
    labels = np.where(pans, sideways, "shakes" if shakes else "still")
    inwards = np.where(zooming > 0, "zooms in", "zooms out")
    labels = np.where(zooms & (np.abs(zooming) * noting.ZOOMING_AS_WAY > way), inwards, labels)
    labels = np.where(frozen | (shot.medium.shows in _DEAD), "still", labels)
    events = []
    for event in _covering(shot, EventKind.CAMERA, labels):
        first, last = (round((time_s - shot.start_s) / noting.TICK_S) for time_s in (event.start_s, event.end_s))
        rates = np.abs(zooming) if event.what.startswith("zooms") else way
        events.append(replace(event, speed=round(float(rates[first:last].mean()), 4)))
    return events
