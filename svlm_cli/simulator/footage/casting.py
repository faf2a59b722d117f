"""Which things are in a shot, what they look like, and which of the actions in ``acting.py`` each performs.

Knows no pixels.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from svlm_cli.simulator.footage.acting import Actor, Stage
from svlm_cli.simulator.footage.path import Path
from svlm_cli.simulator.footage.scenes import ASPECT
from svlm_cli.simulator.footage.silhouettes import Figure
from svlm_cli.simulator.footage.things import Skin, Thing

_MOST: Final = 20  # things per shot
_SMALLEST: Final = 0.07  # in picture heights: clearly above what is noted
_PRINTED: Final = 0.1  # share of shots with a logo, a name or a line of text over the picture
_MOVERS: Final = (
    Figure.WALKER,
    Figure.QUADRUPED,
    Figure.BIRD,
    Figure.VEHICLE,
    Figure.BLOB,
    Figure.BOX,
    Figure.ELLIPSE,
)
_SHARES: Final = (0.36, 0.13, 0.09, 0.17, 0.13, 0.06, 0.06)
_STANDERS: Final = (Figure.BOX, Figure.BLOB, Figure.ELLIPSE, Figure.VEHICLE)
_GROUNDED: Final = (Figure.WALKER, Figure.QUADRUPED, Figure.VEHICLE, Figure.BOX)
_LEANING: Final = (Figure.BLOB, Figure.ELLIPSE)
_CLOSE: Final = (Figure.BLOB, Figure.BLOB, Figure.QUADRUPED, Figure.BIRD, Figure.WALKER, Figure.BOX, Figure.ELLIPSE)
_REACH: Final = {
    Figure.WALKER: 0.35,
    Figure.QUADRUPED: 1.1,
    Figure.BIRD: 0.75,
    Figure.VEHICLE: 1.75,
    Figure.BLOB: 0.6,
    Figure.BOX: 0.95,
    Figure.ELLIPSE: 0.95,
    Figure.BUST: 0.6,
    Figure.ARM: 1.3,
}


def draw_cast(rng: np.random.Generator, stage: Stage) -> tuple[Thing, ...]:
    """Draw the things of a shot: none, one, some or a crowd that acts, and things that stand still."""
    casting = _Casting(rng, stage)
    company = rng.choice(_COMPANIES, p=_COMPANY_SHARES)
    for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.5, 0.2, 0.2, 0.1]))):
        casting.stander()
    later = (0.03 + float(rng.exponential(0.08))) * stage.length_s
    match company:
        case "nobody":
            later = 0.0
        case "crowd":
            casting.crowd(int(rng.integers(6, 15)))
        case "group":
            casting.group(int(rng.integers(2, 5)))
        case "bust":
            casting.bust()
        case "arm":
            casting.arm()
        case "close":
            casting.close()
        case _:
            for _ in range({"one": 1, "two": 2}.get(company, int(rng.integers(3, 6)))):
                casting.mover(first=True)
    for _ in range(min(int(rng.poisson(later)), _MOST - len(casting.things))):
        casting.mover(first=False)
    if rng.random() < _PRINTED:
        casting.print()
    return tuple(casting.things)


_COMPANIES: Final = ("nobody", "one", "two", "some", "group", "crowd", "bust", "arm", "close")
_COMPANY_SHARES: Final = (0.07, 0.24, 0.14, 0.13, 0.1, 0.13, 0.06, 0.06, 0.07)


class _Casting:
    """Collects the things of a shot."""

    def __init__(self, rng: np.random.Generator, stage: Stage) -> None:
        self._rng = rng
        self._stage = stage
        self.things: list[Thing] = []
        self._standers: list[Thing] = []

    def mover(self, *, first: bool) -> None:
        kind = _MOVERS[int(self._rng.choice(len(_MOVERS), p=_SHARES))]
        actor = self._actor(kind, typical=0.3)
        latest_s = max(0.4, self._stage.length_s - 1.5)
        start_s = float(self._rng.uniform(-2, min(3.0, latest_s)) if first else self._rng.uniform(0, latest_s))
        self._add(kind, actor, self._doing(actor, start_s, first=first), depth=None)

    def _doing(self, actor: Actor, start_s: float, *, first: bool) -> Path:
        return self._path_of(
            str(self._rng.choice(_DOINGS, p=_DOINGS_SHARES if first else _LATER_SHARES)), actor, start_s
        )

    def _path_of(self, doing: str, actor: Actor, start_s: float) -> Path:
        match doing:
            case "crosses":
                return self._stage.crosses(actor, start_s)
            case "visits":
                return self._stage.visits(actor, start_s)
            case "roams":
                return self._stage.roams(actor, max(0.3, start_s))
            case "nears" | "recedes":
                return self._stage.nears(actor, max(0.3, start_s), away=doing == "recedes")
            case "emerges" if self._standers:
                behind = self._standers[int(self._rng.integers(len(self._standers)))].path
                tall = float(np.exp(behind.log_size))
                return self._stage.emerges(
                    replace(actor, height=min(actor.height, 0.9 * tall)), max(0.3, start_s), behind
                )
            case _:
                return self._stage.stays(actor)

    def stander(self) -> None:
        kind = _STANDERS[int(self._rng.integers(len(_STANDERS)))]
        actor = self._actor(kind, typical=0.4)
        near = self._rng.random() < 0.4
        depth = float(self._rng.uniform(0.0, 0.25) if near else self._rng.uniform(0.7, 1.0))
        nearness = float(self._rng.choice([0.0, self._rng.uniform(0.1, 0.6) if near else self._rng.uniform(-0.3, 0.0)]))
        path = self._stage.stays(actor, beside=True, nearness=nearness)
        self._add(kind, actor, path, depth=depth, still=True)
        self.things[-1] = replace(self.things[-1], nearness=nearness)
        if near and not nearness:
            self._standers.append(self.things[-1])

    def crowd(self, count: int) -> None:
        kind = Figure(
            str(
                self._rng.choice(
                    [
                        Figure.WALKER,
                        Figure.WALKER,
                        Figure.BIRD,
                        Figure.VEHICLE,
                        Figure.BLOB,
                    ]
                )
            )
        )
        typical = float(self._rng.uniform(0.08, 0.3))
        for _ in range(count):
            actor = self._actor(kind, typical=typical, spread=0.2)
            start_s = float(self._rng.uniform(-4, self._stage.length_s))
            doing = self._stage.crosses if self._rng.random() < 0.5 else self._stage.roams
            self._add(kind, actor, doing(actor, start_s), depth=None)

    def group(self, count: int) -> None:
        """Add several things that do the same, side by side."""
        kind = Figure(str(self._rng.choice([Figure.WALKER, Figure.WALKER, Figure.QUADRUPED, Figure.BIRD])))
        actor = self._actor(kind, typical=0.3)
        path = self._doing(actor, float(self._rng.uniform(-1, 2)), first=True)
        size = float(np.exp(path.log_size))
        for number in range(count):
            aside, down = (number + self._rng.uniform(0, 0.5)) * 0.7 * size, self._rng.normal(0, 0.08) * size
            late_s = float(self._rng.uniform(0, 0.5))
            legs = tuple(replace(leg, start_s=leg.start_s + late_s, end_s=leg.end_s + late_s) for leg in path.legs)
            depth = float(np.clip(0.5 - down / size, 0.3, 0.7))
            self._add(
                kind, actor, replace(path, x=path.x - float(aside), y=path.y + float(down), legs=legs), depth=depth
            )

    def bust(self) -> None:
        """Add a person who speaks into the camera."""
        actor = Actor(float(self._rng.uniform(0.6, 1.1)), _REACH[Figure.BUST], grounded=False)
        path = replace(self._stage.stays(actor), y=0.0)
        self._add(Figure.BUST, actor, path, depth=0.4)

    def arm(self) -> None:
        """Add the hands of a person at work, and the thing that is worked on."""
        self.stander()
        actor = Actor(float(self._rng.uniform(0.15, 0.45)), _REACH[Figure.ARM], grounded=False)
        start_s = float(self._rng.uniform(-1, min(3.0, self._stage.length_s / 2)))
        self._add(Figure.ARM, actor, self._stage.reaches(actor, start_s), depth=0.2)
        lean = float(self._rng.uniform(-0.5, 0.5))
        self.things[-1] = replace(self.things[-1], turns=False, lean=lean, width=1.0)

    def close(self) -> None:
        """Add a thing so near that it fills much of the picture, or all of it: its motion is not the camera's."""
        kind = _CLOSE[int(self._rng.integers(len(_CLOSE)))]
        actor = Actor(float(self._rng.uniform(0.8, 1.7)), _REACH[kind], grounded=False)
        start_s = float(self._rng.uniform(-2, min(3.0, self._stage.length_s / 2)))
        doing = self._rng.choice(["visits", "roams", "nears", "stays"], p=[0.35, 0.25, 0.3, 0.1])
        self._add(kind, actor, self._path_of(str(doing), actor, start_s), depth=0.1)
        self.things[-1] = replace(self.things[-1], stirs=float(self._rng.uniform(0.3, 1)))

    def print(self) -> None:
        """Add a logo in a corner or a line of text at the bottom: part of the picture, not of the scene."""
        words = self._rng.random() < 0.5
        actor = Actor(float(self._rng.uniform(0.06, 0.12)), 1.0, grounded=False)
        corner = (float(self._rng.choice([-0.42, 0.42])), float(self._rng.choice([-0.23, 0.23])))
        place = (0.0, 0.22) if words else corner
        self._add(Figure.BOX, actor, Path(*place, float(np.log(actor.height * ASPECT))), depth=-9.0, still=True)
        wide = float(self._rng.uniform(4, 9) if words else self._rng.uniform(0.8, 1.5))
        self.things[-1] = replace(self.things[-1], width=wide, printed=True)

    def _actor(self, kind: Figure, *, typical: float, spread: float = 0.6) -> Actor:
        height = typical * float(np.exp(self._rng.normal(0, spread))) * (0.6 if kind is Figure.VEHICLE else 1.0)
        height = float(np.clip(height, _SMALLEST, 1.1))
        return Actor(height, _REACH[kind], grounded=kind in _GROUNDED)

    def _add(self, kind: Figure, actor: Actor, path: Path, *, depth: float | None, still: bool = False) -> None:
        rng = self._rng
        size = float(np.exp(path.log_size))
        feet = 0.5 - (path.y + size / 2)  # things whose feet are lower in the picture are nearer
        near = float(np.clip(0.5 + 0.35 * feet, 0.3, 0.65)) if actor.grounded else float(rng.uniform(0.3, 0.65))
        stirs = 0.0 if still else float(rng.choice([0.0, rng.uniform(0.3, 1)], p=[0.45, 0.55]))
        bends = float(rng.uniform(0.02, 0.12)) * (kind in {Figure.BLOB, Figure.ELLIPSE, Figure.WALKER} and not still)
        self.things.append(
            Thing(
                number=len(self.things),
                kind=kind,
                path=path,
                skin=_draw_skin(rng, actor),
                shape=tuple(rng.uniform(0, 1, 4).tolist()),
                depth=near if depth is None else depth,
                width=float(np.exp(rng.normal(0, 0.12))),
                strides=float(rng.uniform(4.5, 7)) / size,
                flaps_hz=float(rng.uniform(1.5, 5)) if kind is Figure.BIRD else 0.0,
                stirs=max(stirs, 0.5) if kind is Figure.BUST else stirs,
                stirs_hz=float(rng.uniform(0.25, 1.1)),
                bends=bends if stirs else 0.0,
                lean=float(rng.normal(0, 0.3)) if kind in _LEANING and not actor.grounded else 0.0,
                rolls=float(rng.choice([0.0, rng.uniform(0.5, 1.5)])) / size if kind in _LEANING and not still else 0.0,
            )
        )


_DOINGS: Final = ("crosses", "visits", "roams", "nears", "recedes", "emerges", "stays")
_DOINGS_SHARES: Final = (0.19, 0.22, 0.2, 0.12, 0.1, 0.08, 0.09)
_LATER_SHARES: Final = (0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0)  # a thing that joins later must not be visible at first


def _draw_skin(rng: np.random.Generator, actor: Actor) -> Skin:
    colours = []
    for strong in (45, 45, 15, 30):
        grey = rng.uniform(15, 240)
        colours.append(tuple(np.clip(grey + rng.normal(0, strong, 3), 0, 255).tolist()))
    if rng.random() < 0.7:  # skin colours
        colours[2] = tuple((np.asarray([228, 178, 148]) * rng.uniform(0.35, 1.1)).tolist())
    return Skin(
        picture=(float(rng.random()), float(rng.random())),
        corner=(float(rng.random()), float(rng.random())),
        scale=float(max(30.0, actor.height * 126 * rng.uniform(0.5, 1.6))),
        colours=tuple(colours),
        mixed=float(rng.choice([0.0, rng.uniform(0.4, 0.95)], p=[0.15, 0.85])),  # its own colours set it apart
        rim=float(rng.uniform(0.3, 0.9)),
        shadow=float(rng.choice([0.0, rng.uniform(0.2, 0.6)])) if actor.grounded else 0.0,
    )
