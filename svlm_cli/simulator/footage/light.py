"""Light and medium: brightness, weather, and what the recording does to the picture.

Knows times within a shot; neither things nor cameras.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.scenes import ASPECT, BARS, BLACK, PICTURE

Floats = NDArray[np.float64]

WHOLE: Final = (-0.5, -ASPECT / 2, 0.5, ASPECT / 2)
_FADED_S: Final = 2.0  # from a shot's ends: while it fades, every picture differs from the one before
_LEVELS: Final = (-1.35, 0.6)  # log gain; below, nothing is visible; above, everything is white
_DEAD_S: Final = 9.0  # longest black picture or test pattern
_TICKS_PER_S: Final = 10  # of a flicker, at most


@dataclass(frozen=True, slots=True)
class Change:
    """The light becomes brighter, or darker, by a factor."""

    start_s: float
    end_s: float
    log_gain: float


@dataclass(frozen=True, slots=True)
class Flicker:
    """The light flickers."""

    start_s: float
    end_s: float
    depth: float  # in log gain
    ticks_per_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class Light:
    """The light of a shot: a gain for each colour, and how it changes."""

    log_gain: float = 0.0
    colours: tuple[float, float, float] = (1.0, 1.0, 1.0)
    slope: tuple[float, float] = (0.0, 0.0)  # how much brighter to the right and down, per picture width
    breathes: float = 0.0  # in log gain: slow changes, as by automatic exposure, not logged
    breathes_hz: float = 0.2
    changes: tuple[Change, ...] = ()
    flickers: tuple[Flicker, ...] = ()

    def level(self, times_s: Floats) -> Floats:
        """``[T]``: log gain without flicker."""
        level = np.full(len(times_s), self.log_gain)
        for change in self.changes:
            done = np.clip((times_s - change.start_s) / max(change.end_s - change.start_s, 1e-3), 0, 1)
            level += change.log_gain * done
        clipped: Floats = np.clip(level, *_LEVELS)
        return clipped

    def gains(self, times_s: Floats) -> Floats:
        """``[T, 3]``: the gains of red, green and blue."""
        level = self.level(times_s) + self.breathes * np.sin(2 * np.pi * self.breathes_hz * times_s)
        for flicker in self.flickers:
            during = (times_s >= flicker.start_s) & (times_s < flicker.end_s)
            jumps = np.random.default_rng(flicker.seed).uniform(-1, 1, 997)
            ticks = np.floor(np.maximum(times_s, 0) * flicker.ticks_per_s).astype(int) % len(jumps)
            level += during * flicker.depth * jumps[ticks]
        gains: Floats = np.exp(level)[:, None] * np.asarray(self.colours)
        return gains


@dataclass(frozen=True, slots=True)
class Medium:
    """What else affects the picture between the scene and the viewer."""

    shows: int = PICTURE
    window: tuple[float, float, float, float] = WHOLE  # left, top, right and bottom: the rest is bars
    lift: float = 0.0  # haze: added to every pixel
    greyness: float = 0.0
    grain: float = 0.0  # in brightness, out of 255
    blur: float = 0.0
    blocks: float = 0.0
    weather: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # amount, length, speed, slant
    waves: tuple[float, float, float, float, float] = (0.0, 0.0, 1.0, 0.0, 0.0)  # x, y, radius, height, waves per width
    waves_hz: float = 0.0
    frozen_from_s: float = np.inf
    frozen_s: float = 0.0

    def content_s(self, times_s: Floats) -> Floats:
        """The time in the scene that the picture shows: it stands still while the picture is frozen."""
        behind = np.clip(times_s - self.frozen_from_s, 0, self.frozen_s) if self.frozen_s else 0.0
        return times_s - behind


def draw_light(rng: np.random.Generator, length_s: float) -> Light:
    """Draw the light: mostly normal, sometimes dark or bright, sometimes changing."""
    kind = rng.choice(3, p=[0.82, 0.11, 0.07])
    level = (rng.normal(0, 0.1), rng.uniform(-1.3, -1.0), rng.uniform(0.45, 0.6))[kind]
    colours = tuple(np.exp(rng.normal(0, 0.06, 3)).tolist())
    slope = tuple((rng.normal(0, 0.3, 2) * (rng.random() < 0.6)).clip(-0.6, 0.6).tolist())
    light = Light(float(level), colours, slope)
    if rng.random() < 0.3:
        light = replace(light, breathes=rng.uniform(0.01, 0.06), breathes_hz=rng.uniform(0.05, 0.4))
    if length_s > 4 and rng.random() < 0.16:
        gain = rng.uniform(0.7, 1.5) * (-1 if level > -0.5 else 1)
        lasts_s = rng.choice([0.05, rng.uniform(1.0, 5.0)])
        start_s = rng.uniform(1.0, max(1.1, length_s - lasts_s - 1.0))
        changes = [Change(start_s, start_s + lasts_s, gain)]
        back_s = start_s + lasts_s + rng.uniform(1.5, 8)
        if back_s + lasts_s < length_s and rng.random() < 0.5:
            changes.append(Change(back_s, back_s + lasts_s, -gain))
        light = replace(light, changes=tuple(changes))
    if length_s > 3 and rng.random() < 0.07:
        start_s = rng.uniform(0, length_s / 2) if rng.random() < 0.5 else 0.0
        lasts_s = rng.uniform(2, 12)
        flicker = Flicker(
            start_s, start_s + lasts_s, rng.uniform(0.25, 0.7), rng.uniform(3, _TICKS_PER_S), int(rng.integers(2**31))
        )
        light = replace(light, flickers=(flicker,))
    return light


def draw_medium(rng: np.random.Generator, recorder: np.random.Generator, light: Light, length_s: float) -> Medium:
    """Draw the medium: what `recorder` draws, the camera and the codec, is the same before and after a cut."""
    shows = int(rng.choice([PICTURE, BLACK, BARS], p=[0.93, 0.045, 0.025]))
    if length_s > _DEAD_S:
        shows = PICTURE
    if shows != PICTURE:
        return Medium(shows=shows)
    dark = light.log_gain < -1
    medium = Medium(
        window=_draw_window(recorder),
        lift=float(recorder.choice([0.0, recorder.uniform(0, 35)], p=[0.8, 0.2])) * (not dark),
        greyness=float(recorder.choice([0.0, 1.0, recorder.uniform(0, 0.8)], p=[0.75, 0.06, 0.19])),
        grain=float(recorder.choice([0.0, recorder.uniform(1, 6), recorder.uniform(6, 18)], p=[0.25, 0.6, 0.15]))
        + 5.0 * dark,
        blur=float(recorder.choice([0.0, recorder.uniform(0.2, 1)], p=[0.6, 0.4])),
        blocks=float(recorder.choice([0.0, recorder.uniform(0.1, 0.5)], p=[0.85, 0.15])),
    )
    if rng.random() < 0.07:
        rain = rng.random() < 0.5
        fall = (
            (rng.uniform(0.05, 0.15), rng.uniform(1.2, 2.5))
            if rain
            else (rng.uniform(0.012, 0.02), rng.uniform(0.1, 0.3))
        )
        medium = replace(medium, weather=(rng.uniform(0.25, 0.9), *fall, rng.normal(0, 0.15)))
    if rng.random() < 0.2:
        place = (rng.uniform(-0.4, 0.4), rng.uniform(-0.2, 0.2), rng.choice([rng.uniform(0.15, 0.4), 2.0]))
        medium = replace(
            medium,
            waves=(*place, rng.uniform(0.002, 0.008), rng.uniform(3, 14)),
            waves_hz=rng.uniform(0.2, 1.5),
        )
    if length_s > _FADED_S + 4 and rng.random() < 0.07:
        lasts_s = rng.uniform(1.5, min(8, length_s - _FADED_S - 2.4))
        start_s = rng.uniform(_FADED_S, length_s - _FADED_S - lasts_s)
        medium = replace(medium, frozen_from_s=start_s, frozen_s=lasts_s)
    return medium


def _draw_window(rng: np.random.Generator) -> tuple[float, float, float, float]:
    kind = rng.choice(4, p=[0.7, 0.12, 0.08, 0.1])
    if kind == 1:  # as wide as in a cinema
        high = 0.5 / rng.choice([1.85, 2.35])
        return -0.5, -high, 0.5, high
    if kind > 1:  # old television, or a phone held upright
        wide = ASPECT / 2 * (4 / 3 if kind == 2 else rng.choice([9 / 16, 3 / 4]))
        return -wide, -ASPECT / 2, wide, ASPECT / 2
    return WHOLE
