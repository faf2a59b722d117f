"""Shots with one peculiarity each, for tests."""

from dataclasses import replace
from functools import cache

import numpy as np

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.camera import FilmCamera
from svlm_cli.simulator.footage.light import Light, Medium
from svlm_cli.simulator.footage.path import Leg, Path
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.footage.render import render
from svlm_cli.simulator.footage.shots import Backdrop, How, Shot
from svlm_cli.simulator.footage.silhouettes import Figure
from svlm_cli.simulator.footage.things import Skin, Thing
from svlm_cli.simulator.footage.views import views_of

SKIN = Skin(
    picture=(0.5, 0.3),
    corner=(0.2, 0.4),
    scale=60.0,
    colours=((250.0, 10.0, 10.0),) * 4,
    mixed=1.0,
    rim=0.2,
    shadow=0.0,
)


def photo(seed: int = 0, size: tuple[int, int] = (300, 500)) -> Picture:
    """Something with structure everywhere, in place of a photo."""
    coarse = np.random.default_rng(seed).integers(0, 256, (size[0] // 10 + 1, size[1] // 10 + 1, 3), np.uint8)
    return coarse.repeat(10, axis=0).repeat(10, axis=1)[: size[0], : size[1]]


@cache
def bank() -> PictureBank:
    return PictureBank.make([photo(seed) for seed in range(3)], seed=5, textures=6)


def plain(length_s: float = 10.0) -> Shot:
    """Nothing moves."""
    return Shot(
        number=0,
        start_s=0.0,
        length_s=length_s,
        how=How.START,
        fade_s=0.0,
        backdrop=Backdrop(picture=(0.1, 0.5), scale=280.0, x=250.0, y=160.0),
        camera=FilmCamera(Path(0.0, 0.0, 0.0)),
        light=Light(),
        medium=Medium(),
        things=(),
    )


def thing(path: Path, number: int = 0, kind: Figure = Figure.ELLIPSE, depth: float = 0.5) -> Thing:
    return Thing(number=number, kind=kind, path=path, skin=SKIN, shape=(0.1, 0.5, 0.5, 0.5), depth=depth)


def panned(shot: Shot, leg: Leg) -> Shot:
    return replace(shot, camera=FilmCamera(Path(0.0, 0.0, 0.0, (leg,))))


def pictures_of(shot: Shot, times_s: list[float]) -> Picture:
    return render(views_of(shot, np.asarray(times_s)), bank())
