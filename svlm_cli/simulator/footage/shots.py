"""A shot: its camera, its light and its things, from its beginning to its end and a little beyond.

Knows what is there at each time; neither pixels nor what is said about it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.simulator.footage.acting import Stage
from svlm_cli.simulator.footage.camera import FilmCamera, Views
from svlm_cli.simulator.footage.camera_work import draw_camera
from svlm_cli.simulator.footage.casting import draw_cast
from svlm_cli.simulator.footage.light import Light, Medium, draw_light, draw_medium
from svlm_cli.simulator.footage.scenes import ASPECT, PICTURE
from svlm_cli.simulator.footage.things import Bodies, Thing

Floats = NDArray[np.float64]

_PLAIN: Final = 0.15  # share of places
_SOFT: Final = 0.12  # share of shots whose background is out of focus
_SOFT_BEHIND: Final = 0.6  # the same where something is close by
_CLOSE: Final = 0.5  # in picture heights
PER_RECORDER: Final = 8  # shots that look alike: of a film, not of one shot
_FOLLOWED: Final = 0.3  # share of shots with few moving things and a camera that is free to follow


class How(StrEnum):
    """How a shot begins."""

    START = "start"
    CUT = "cut"
    FADE = "fade"  # from black, to which the previous shot faded
    CROSS_FADE = "cross-fade"


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The background."""

    picture: tuple[float, float]  # draws, see `PictureBank.pick`
    scale: float  # pixels of the bank per picture width at zoom 1
    x: float  # the bank's pixel at the scene's origin
    y: float
    plain: bool = False  # may be a bare wall, so the camera does not move: it would not show
    soft: bool = False  # out of focus, as behind things close by


@dataclass(frozen=True, slots=True)
class Shot:
    """An uninterrupted recording of one camera. Times within it begin at 0."""

    number: int
    start_s: float
    length_s: float
    how: How
    fade_s: float  # 0 for a cut
    backdrop: Backdrop
    camera: FilmCamera
    light: Light
    medium: Medium
    things: tuple[Thing, ...]

    @property
    def end_s(self) -> float:
        return self.start_s + self.length_s

    def seen(self, times_s: Floats) -> tuple[Views, list[Bodies]]:
        """The camera's views and each thing's body at these times, from the shot's beginning."""
        content_s = self.medium.content_s(times_s)
        views = self.camera.views(content_s)
        return views, [thing.bodies(views, content_s) for thing in self.things]


@dataclass(frozen=True, slots=True)
class Slate:
    """What is decided before a shot is made: its start, its length, how it begins, and its place."""

    number: int
    start_s: float
    length_s: float
    how: How
    fade_s: float
    place: int  # shots of one place share a backdrop and a light


def make_shot(seed: int, slate: Slate) -> Shot:
    """Make a shot. It depends only on the footage's seed and its slate."""
    at_place = np.random.default_rng([seed, slate.place, 1])
    rng = np.random.default_rng([seed, slate.number, 2])
    backdrop = Backdrop(
        picture=(float(at_place.random()), float(at_place.random())),
        scale=float(at_place.uniform(230, 420)),
        x=float(at_place.uniform(180, 330)),
        y=float(at_place.uniform(120, 200)),
        plain=bool(at_place.random() < _PLAIN),
    )
    length_s = slate.length_s
    light = draw_light(at_place if slate.place == slate.number else rng, length_s)
    recorder = np.random.default_rng([seed, slate.number // PER_RECORDER, 3])
    medium = draw_medium(rng, recorder, light, length_s)
    zoom = float(rng.uniform(0.1, 0.7)) if slate.place != slate.number else float(rng.uniform(-0.1, 0.4))
    camera = draw_camera(rng, length_s, zoom=zoom)
    if backdrop.plain:
        camera = FilmCamera(replace(camera.path, legs=()))
    things: tuple[Thing, ...] = ()
    if medium.shows == PICTURE:
        things = draw_cast(rng, Stage(rng, camera, length_s))
        camera = camera if backdrop.plain else _following(rng, camera, things)
    else:
        camera, light = FilmCamera(camera.path), Light()
    tallest = max((np.exp(thing.path.log_size + camera.path.log_size) / ASPECT for thing in things), default=0)
    share = _SOFT_BEHIND if tallest > _CLOSE else _SOFT
    backdrop = replace(backdrop, soft=bool(np.random.default_rng([seed, slate.number, 4]).random() < share))
    return Shot(slate.number, slate.start_s, length_s, slate.how, slate.fade_s, backdrop, camera, light, medium, things)


def _following(rng: np.random.Generator, camera: FilmCamera, things: tuple[Thing, ...]) -> FilmCamera:
    """The camera, which follows a thing in some shots with few moving things."""
    movers = [thing for thing in things if thing.path.legs]
    if not movers or len(movers) > 3 or camera.path.legs or rng.random() > _FOLLOWED:
        return camera
    start = movers[0].path
    # It starts where its thing starts, so that it does not follow something outside the picture.
    ahead = rng.uniform(-0.15, 0.15) / np.exp(camera.path.log_size)
    path = replace(camera.path, x=start.x + float(ahead), y=start.y)
    return replace(camera, path=path, follows=start)
