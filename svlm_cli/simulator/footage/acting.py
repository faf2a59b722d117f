"""What things do in a shot: paths, drawn at random for a given camera. Knows neither looks nor pixels."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from svlm_cli.simulator.footage.camera import FilmCamera
from svlm_cli.simulator.footage.camera_work import draw_speed
from svlm_cli.simulator.footage.path import Leg, Path
from svlm_cli.simulator.footage.scenes import ASPECT

_TYPICAL = 0.13  # speed of things, in picture widths per second


@dataclass(frozen=True, slots=True)
class Actor:
    """How large a thing is in the picture, and where it may be."""

    height: float  # as a share of the picture's height
    reach: float  # how far it extends to each side of its middle, in its own heights
    grounded: bool  # has feet or wheels on the ground


class Stage:
    """Draws paths that suit a shot's camera and length."""

    def __init__(self, rng: np.random.Generator, camera: FilmCamera, length_s: float) -> None:
        self._rng = rng
        self._camera = camera
        self.length_s = length_s

    def stays(self, actor: Actor, *, beside: bool = False, nearness: float = 0.0) -> Path:
        """Stays in one place; with `beside`, perhaps half outside the picture."""
        u = self._rng.uniform(-0.5, 0.5) if beside else self._rng.uniform(-0.38, 0.38)
        return self._path(0.0, actor, u / (1 + nearness), self._level(actor) / (1 + nearness))

    def reaches(self, actor: Actor, start_s: float) -> Path:
        """Reaches from a side into the picture and back, perhaps several times."""
        side = float(self._rng.choice([-1, 1]))
        outside = side * (0.5 + 1.3 * actor.height * ASPECT)
        level = self._rng.uniform(-0.12, 0.2)
        ways = [(outside, level)]
        for _ in range(self._rng.integers(1, 4)):
            inside = side * self._rng.uniform(-0.1, 0.35)
            ways += [(inside, level + self._rng.normal(0, 0.05)), (outside, level)]
        return self._along(actor, start_s, ways[: self._rng.integers(2, len(ways) + 1)], turn_s=0.7)

    def crosses(self, actor: Actor, start_s: float) -> Path:
        """Crosses the picture from one side to another."""
        first, last = self._outside(actor), self._outside(actor)
        while first[0] == last[0] and first[1] == last[1]:
            last = self._outside(actor)
        if self._rng.random() < 0.7 and not _upright(first):
            last = (-first[0], first[1] + self._rng.normal(0, 0.04))
        return self._along(actor, start_s, [first, last], turn_s=0.0)

    def visits(self, actor: Actor, start_s: float) -> Path:
        """Enters and stops; then goes on, turns round, or stays."""
        first = self._outside(actor)
        inside = (self._rng.uniform(-0.36, 0.36), self._level(actor))
        if not _upright(first):
            inside = (inside[0], first[1] + self._rng.normal(0, 0.03))
        ways = [first, inside]
        what = self._rng.random()
        if what < 0.3:
            ways.append((-first[0], inside[1]) if not _upright(first) else self._outside(actor))
        elif what < 0.6:
            ways.append(first)
        elif what < 0.75:
            ways += [(self._rng.uniform(-0.38, 0.38), inside[1]), self._outside(actor)]
        return self._along(actor, start_s, ways, turn_s=1.0)

    def roams(self, actor: Actor, start_s: float) -> Path:
        """Is there at first, and moves about until the shot ends or the thing has left."""
        level = self._level(actor)
        ways = [(self._rng.uniform(-0.38, 0.38), level)]
        for _ in range(self._rng.integers(1, 3 + int(self.length_s / 5))):
            aside = self._rng.uniform(-0.42, 0.42)
            ways.append((aside, level + self._rng.normal(0, 0.03 if actor.grounded else 0.12)))
        if self._rng.random() < 0.4:
            ways.append(self._outside(actor))
        return self._along(actor, start_s, ways, turn_s=1.0)

    def nears(self, actor: Actor, start_s: float, *, away: bool) -> Path:
        """Comes nearer or moves away, and stays within the picture."""
        growth = float(self._rng.uniform(0.7, 1.6))
        lasts_s = float(self._rng.uniform(1.5, 9))
        large = actor if away else replace(actor, height=min(1.8, actor.height * np.exp(growth)))
        small = replace(actor, height=large.height * np.exp(-growth))
        u = self._rng.uniform(-0.25, 0.25)
        begin, end = (large, small) if away else (small, large)
        path = self._path(start_s, begin, u, self._level(begin))
        there = self._path(start_s, end, u + self._rng.normal(0, 0.06), self._level(end))
        growth = there.log_size - path.log_size
        leg = Leg(start_s, start_s + lasts_s, there.x - path.x, there.y - path.y, growth)
        return replace(path, legs=(leg,))

    def emerges(self, actor: Actor, start_s: float, behind: Path) -> Path:
        """Comes out sideways from behind something; perhaps goes back later."""
        side = float(self._rng.choice([-1, 1]))
        way = self._rng.uniform(0.2, 0.6) * side / self._zoom(start_s)
        lasts_s = abs(way) * self._zoom(start_s) / draw_speed(self._rng, _TYPICAL)
        height = np.log(actor.height * ASPECT / self._zoom(start_s))
        legs = [Leg(start_s, start_s + lasts_s, float(way), 0.0)]
        if self._rng.random() < 0.4:
            back_s = start_s + lasts_s + self._rng.uniform(1, 5)
            legs.append(Leg(back_s, back_s + lasts_s, float(-way), 0.0))
        bottom = behind.y + 0.5 * np.exp(behind.log_size)
        return Path(behind.x, float(bottom - 0.5 * np.exp(height)), float(height), tuple(legs))

    def _zoom(self, time_s: float) -> float:
        return float(np.exp(self._camera.steady(np.asarray([time_s]))[0, 2]))

    def _level(self, actor: Actor) -> float:
        """How far down its middle is. Large things stand near, so their feet are lower in the picture."""
        if not actor.grounded:
            return float(self._rng.uniform(-0.2, 0.2))
        feet = min(0.42, 0.02 + 0.33 * actor.height + self._rng.normal(0, 0.03))
        return float(feet - actor.height * ASPECT / 2)

    def _outside(self, actor: Actor) -> tuple[float, float]:
        """A place just outside the picture."""
        height = actor.height * ASPECT
        aside = 0.5 + actor.reach * height
        side = self._rng.choice(4, p=[0.42, 0.42, 0.02, 0.14] if actor.grounded else [0.33, 0.33, 0.2, 0.14])
        if side < 2:
            return (-aside, aside)[side], self._level(actor)
        above = ASPECT / 2 + height * 0.65
        return self._rng.uniform(-0.3, 0.3), (-above, above)[side - 2]

    def _path(self, time_s: float, actor: Actor, u: float, v: float) -> Path:
        """The point in the scene that is at (u, v) of the picture at that time."""
        x, y, log_zoom = self._camera.steady(np.asarray([time_s]))[0]
        zoom = np.exp(log_zoom)
        return Path(float(x + u / zoom), float(y + v / zoom), float(np.log(actor.height * ASPECT) - log_zoom))

    def _along(self, actor: Actor, start_s: float, ways: list[tuple[float, float]], *, turn_s: float) -> Path:
        """A path through places of the picture, with a stop at each unless `turn_s` is 0."""
        zoom = self._zoom(start_s)
        path = self._path(start_s, actor, *ways[0])
        speed = draw_speed(self._rng, _TYPICAL)
        legs: list[Leg] = []
        for (x, y), (next_x, next_y) in pairwise(ways):
            dx, dy = next_x - x, next_y - y
            lasts_s = max(0.5, float(np.hypot(dx, dy)) / (speed * float(np.exp(self._rng.normal(0, 0.15)))))
            legs.append(Leg(start_s, start_s + lasts_s, dx / zoom, dy / zoom))
            stands_s = self._rng.choice([self._rng.uniform(0.2, 1), self._rng.uniform(1, 9)], p=[0.2, 0.8])
            start_s += lasts_s + turn_s * float(stands_s)
        return replace(path, legs=tuple(legs))


def _upright(place: tuple[float, float]) -> bool:
    """Whether a place is above or below the picture, not to a side of it."""
    return abs(place[1]) > ASPECT / 2 and abs(place[0]) < 0.5
