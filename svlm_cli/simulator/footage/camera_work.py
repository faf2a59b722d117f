"""How the camera of a shot moves: drawn at random. Knows no things."""

import numpy as np

from svlm_cli.simulator.footage.camera import FilmCamera, Shake
from svlm_cli.simulator.footage.path import Leg, Path

_ZOOMS = (-0.5, 1.0)  # log zoom; below, the bank's pictures repeat; above, they blur
_LONGEST_SWEEP_S = 15.0  # nobody pans for longer without a stop
_BESIDE_S = 1.0  # to speed up before the shot, and to slow down after it
_FADED_S = 2.0  # for which a shot is still seen while it fades into the next


def draw_camera(rng: np.random.Generator, length_s: float, *, zoom: float) -> FilmCamera:
    """Draw a camera: still, hand-held or moving. `zoom` is its initial log zoom."""
    kind = rng.choice(["still", "hand", "moves", "sweeps"], p=[0.36, 0.18, 0.3, 0.16])
    path = Path(float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.15, 0.15)), zoom)
    shake = _draw_shake(rng) if kind == "hand" or (kind != "still" and rng.random() < 0.3) else None
    if kind == "moves":
        path = Path(path.x, path.y, zoom, _moves(rng, length_s, zoom))
    elif kind == "sweeps" and length_s < _LONGEST_SWEEP_S:
        path = Path(path.x, path.y, zoom, (_sweep(rng, length_s, zoom),))
    return FilmCamera(path, shake)


def _draw_shake(rng: np.random.Generator) -> Shake:
    size = float(np.exp(rng.uniform(np.log(0.002), np.log(0.016))))
    return Shake(size, hz=float(rng.uniform(0.4, 1.6)), phase=float(rng.uniform(0, 6)))


def draw_speed(rng: np.random.Generator, typical: float) -> float:
    """Draw a speed in picture widths per second, with median `typical`."""
    return float(np.clip(typical * np.exp(rng.normal(0, 0.8)), typical / 8, typical * 8))


def _moves(rng: np.random.Generator, length_s: float, zoom: float) -> tuple[Leg, ...]:
    """Moves one after another, with pauses."""
    legs: list[Leg] = []
    time_s = float(rng.choice([0.0, rng.uniform(0.5, 4)]))
    while time_s < length_s - 0.7:
        lasts_s = float(rng.uniform(0.8, 7))
        leg = _leg(rng, time_s, lasts_s, zoom)
        zoom += leg.growth
        legs.append(leg)
        time_s += lasts_s + float(rng.choice([0.05, rng.uniform(0.8, 6)], p=[0.2, 0.8]))
    return tuple(legs)


def _leg(rng: np.random.Generator, start_s: float, lasts_s: float, zoom: float) -> Leg:
    kind = rng.choice(["pan", "tilt", "zoom", "both"], p=[0.42, 0.19, 0.28, 0.11])
    end_s = start_s + lasts_s
    if kind == "zoom":
        growth = rng.choice([-1, 1]) * rng.uniform(0.06, 0.4) * min(lasts_s, 7)
        if not _ZOOMS[0] <= zoom + growth <= _ZOOMS[1]:
            growth = -np.sign(zoom - np.mean(_ZOOMS)) * min(abs(growth), 0.7)
        return Leg(start_s, end_s, growth=float(growth))
    way = draw_speed(rng, 0.15) * lasts_s / np.exp(zoom)
    angle = {"pan": rng.choice([0, np.pi]), "tilt": rng.choice([0.5, 1.5]) * np.pi}.get(kind, rng.uniform(0, 2 * np.pi))
    if kind != "pan":
        way = min(way, 0.9)
    return Leg(start_s, end_s, float(way * np.cos(angle)), float(way * np.sin(angle)))


def _sweep(rng: np.random.Generator, length_s: float, zoom: float) -> Leg:
    """A single move that begins before the shot and ends after it."""
    return _leg(rng, -_BESIDE_S, length_s + 2 * _BESIDE_S + _FADED_S, zoom)
