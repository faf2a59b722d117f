"""The log against pixels: what it says is what can be measured on the pictures, in another way than it was made."""

from dataclasses import replace

import numpy as np
import pytest

from svlm_cli.core.types import Picture
from svlm_cli.simulator.footage.events import EventKind, SeenEvent
from svlm_cli.simulator.footage.light import Change, Light, Medium
from svlm_cli.simulator.footage.log import log_of
from svlm_cli.simulator.footage.path import Leg, Path
from svlm_cli.simulator.footage.scenes import BARS, BLACK
from svlm_cli.simulator.footage.shots import Shot
from svlm_cli.simulator.footage.silhouettes import Figure
from tests.simulator.footage.scenery import panned, pictures_of, plain, thing


def shift(first: Picture, second: Picture) -> tuple[float, float]:
    """By how many pixels the second is moved to the right and down, by phase correlation."""
    window = np.hanning(first.shape[0])[:, None] * np.hanning(first.shape[1])
    spectra = [np.fft.fft2((one.mean(axis=2) - one.mean()) * window) for one in (first, second)]
    product = spectra[1] * np.conj(spectra[0])
    peak = np.fft.ifft2(product / np.maximum(np.abs(product), 1e-9)).real
    y, x = np.unravel_index(np.argmax(peak), peak.shape)
    height, width = peak.shape
    return float((x + width // 2) % width - width // 2), float((y + height // 2) % height - height // 2)


def only(shot: Shot, kind: EventKind) -> SeenEvent:
    (event,) = log_of(shot).of(kind)
    return event


def test_nothing_moves_where_nothing_moves() -> None:
    """Guards stillness: without grain, pictures of a still shot are equal to the last bit."""
    shot = plain()
    pictures = pictures_of(shot, [0.0, 0.4, 5.0, 9.9])
    assert (pictures == pictures[0]).all()
    assert pictures[0].std() > 20
    assert only(shot, EventKind.CAMERA).what == "still"
    assert only(shot, EventKind.MOTION).what == "nothing"
    assert only(shot, EventKind.NUMBER).what == "0"


@pytest.mark.parametrize(
    ("leg", "what", "sign"),
    [
        (Leg(-5, 15, dx=2.0), "pans right", (-1, 0)),
        (Leg(-5, 15, dx=-2.0), "pans left", (1, 0)),
        (Leg(-5, 15, dy=0.9), "tilts down", (0, -1)),
        (Leg(-5, 15, dy=-0.9), "tilts up", (0, 1)),
    ],
)
def test_a_pan_moves_the_picture_the_other_way_as_fast_as_logged(leg: Leg, what: str, sign: tuple[int, int]) -> None:
    """Guards the sign, unit and size of the camera's speed."""
    shot = panned(plain(), leg)
    event = only(shot, EventKind.CAMERA)
    assert event.what == what
    first, second = pictures_of(shot, [5.0, 5.5])
    moved = shift(first, second)
    assert moved == pytest.approx((sign[0] * event.speed * 0.5 * 224, sign[1] * event.speed * 0.5 * 224), abs=1.0)


@pytest.mark.parametrize(("growth", "what"), [(1.0, "zooms in"), (-1.0, "zooms out")])
def test_a_zoom_moves_the_rim_and_not_the_middle(growth: float, what: str) -> None:
    """Guards which way a zoom goes, and by how much."""
    shot = panned(plain(), Leg(-5, 15, growth=growth))
    event = only(shot, EventKind.CAMERA)
    assert event.what == what
    first, second = pictures_of(shot, [5.0, 6.0])
    left, right = shift(first[31:95, :64], second[31:95, :64]), shift(first[31:95, 160:], second[31:95, 160:])
    outwards = (right[0] - left[0]) / 2
    assert outwards == pytest.approx(np.sign(growth) * event.speed * 80, abs=1.5)
    assert abs(right[0] + left[0]) <= 2


@pytest.mark.parametrize(
    ("start", "way", "side", "direction"),
    [
        ((-0.75, 0.0), (0.9, 0.0), "left", "right"),
        ((0.75, 0.0), (-0.9, 0.0), "right", "left"),
        ((0.0, -0.5), (0.0, 0.6), "top", "down"),
        ((0.0, 0.5), (0.0, -0.6), "bottom", "up"),
    ],
)
def test_what_enters_changes_pixels_at_its_side_first(
    start: tuple[float, float], way: tuple[float, float], side: str, direction: str
) -> None:
    """Guards sides, directions and times of what comes into the picture."""
    path = Path(*start, float(np.log(0.15)), (Leg(1.0, 5.0, *way),))
    shot = replace(plain(), things=(thing(path),))
    event = only(shot, EventKind.ENTERS)
    assert event.side == side
    assert only(shot, EventKind.MOVES).direction == direction
    times = np.arange(0, 6, 0.1)
    pictures = pictures_of(shot, times.tolist())
    changed = (pictures != pictures[0]).any(axis=3)  # [T, H, W]
    first = int(np.argmax(changed.any(axis=(1, 2))))
    rows, columns = np.nonzero(changed[first])
    place = {"left": columns, "right": 223 - columns, "top": rows, "bottom": 125 - rows}[side]
    assert place.max() < 12
    assert times[first] == pytest.approx(event.start_s, abs=0.35)
    area = changed.sum(axis=(1, 2))
    at_end = area[round(event.end_s * 10)]
    assert 0.75 * area.max() < at_end
    assert area[round(event.end_s * 10) - 4] < 0.98 * area.max()
    assert only(shot, EventKind.STOPS).start_s == pytest.approx(5.0, abs=0.3)


def test_the_box_is_where_the_pixels_change() -> None:
    """Guards tracks: a box that is off teaches wrong places and sizes."""
    path = Path(-0.2, 0.05, float(np.log(0.2)), (Leg(1.0, 5.0, 0.3, -0.05),))
    shot = replace(plain(), things=(thing(path),))
    (track,) = log_of(shot).tracks
    without = pictures_of(plain(), [0.0])[0]
    for tick in (0, 30, 80):
        rows, columns = np.nonzero((pictures_of(shot, [float(track.times_s[tick])])[0] != without).any(axis=2))
        left, top, right, bottom = track.boxes[tick] * 224 + (112, 63, 112, 63)
        assert (left, top, right, bottom) == pytest.approx(
            (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), abs=2.0
        )


def test_what_stands_behind_another_is_hidden() -> None:
    """Guards depth in the log against depth on the picture: the nearer one is seen, the farther one told as hidden."""
    near = thing(Path(0.0, 0.0, float(np.log(0.3))), 0, depth=0.1)
    passing = thing(Path(-0.3, 0.0, float(np.log(0.1)), (Leg(1.0, 7.0, 0.6),)), 1, depth=0.9)
    shot = replace(plain(), things=(near, passing))
    hidden = only(shot, EventKind.HIDDEN)
    assert hidden.thing == 1
    assert [event.side for event in log_of(shot).of(EventKind.LEAVES)] == ["middle"]
    assert [event.side for event in log_of(shot).of(EventKind.ENTERS)] == ["middle"]
    middle_s = (hidden.start_s + hidden.end_s) / 2
    alone = replace(shot, things=(near,))
    np.testing.assert_array_equal(pictures_of(shot, [middle_s]), pictures_of(alone, [middle_s]))
    assert (pictures_of(shot, [hidden.start_s - 0.7]) != pictures_of(alone, [hidden.start_s - 0.7])).any()
    behind = replace(shot, things=(replace(near, depth=0.95), passing))
    assert not log_of(behind).of(EventKind.HIDDEN)
    assert (pictures_of(behind, [middle_s]) != pictures_of(alone, [middle_s])).any()


def test_what_is_hidden_for_a_moment_has_not_left() -> None:
    """Guards against "it disappears" each time that one walker passes another."""
    near = thing(Path(0.0, 0.0, float(np.log(0.3))), 0, depth=0.1)
    passing = thing(Path(-0.5, 0.0, float(np.log(0.1)), (Leg(1.0, 2.0, 1.0),)), 1, depth=0.9)
    log = log_of(replace(plain(), things=(near, passing)))
    assert not [
        event for kind in (EventKind.LEAVES, EventKind.ENTERS) for event in log.of(kind) if event.side == "middle"
    ]


def test_the_cameras_motion_is_not_the_things() -> None:
    """Guards motion relative to the scene: under a pan what stands still is lost, and does not leave."""
    stands = thing(Path(-0.2, 0.0, float(np.log(0.15))))
    shot = replace(panned(plain(), Leg(0.0, 6.0, dx=0.8)), things=(stands,))
    log = log_of(shot)
    assert not log.of(EventKind.LEAVES)
    assert not log.of(EventKind.MOVES)
    assert [event.side for event in log.of(EventKind.LOST)] == ["left"]
    assert only(shot, EventKind.MOTION).what == "nothing"


def test_who_walks_beside_a_pan_is_lost_by_the_camera() -> None:
    """Guards whose doing it is: the camera tilts away from somebody who goes to the left."""
    walks = thing(Path(0.2, 0.0, float(np.log(0.12)), (Leg(-5.0, 15.0, -0.8),)))
    log = log_of(replace(panned(plain(), Leg(1.0, 4.0, dy=0.5)), things=(walks,)))
    assert [event.side for event in log.of(EventKind.LOST)] == ["top"]
    assert not log.of(EventKind.LEAVES)
    alone = log_of(replace(plain(20.0), things=(walks,)))
    assert [event.side for event in alone.of(EventKind.LEAVES)] == ["left"]
    assert not alone.of(EventKind.LOST)


@pytest.mark.parametrize(("growth", "direction"), [(1.0, "nearer"), (-1.0, "away")])
def test_what_grows_comes_nearer(growth: float, direction: str) -> None:
    """Guards the third dimension."""
    path = Path(0.0, 0.0, float(np.log(0.15)), (Leg(1.0, 5.0, growth=growth),))
    shot = replace(plain(), things=(thing(path),))
    assert only(shot, EventKind.MOVES).direction == direction
    before, after = (
        (pictures_of(shot, [time_s])[0] != pictures_of(plain(), [time_s])[0]).any(axis=2).sum() for time_s in (1.0, 5.0)
    )
    assert np.log(after / before) / 2 == pytest.approx(growth, abs=0.1)


def test_a_frozen_picture_is_the_same_to_the_last_bit() -> None:
    """Guards what is frozen against grain that lives on, and the log against things that stop with it."""
    path = Path(-0.4, 0.0, float(np.log(0.2)), (Leg(0.0, 9.0, 0.8),))
    medium = Medium(grain=12.0, frozen_from_s=3.0, frozen_s=2.5)
    shot = replace(plain(), things=(thing(path),), medium=medium)
    assert [(event.what, event.start_s) for event in log_of(shot).of(EventKind.MEDIUM)] == [
        ("picture", 0.0),
        ("frozen", 3.0),
        ("picture", 5.5),
    ]
    during = pictures_of(shot, [3.0, 3.7, 5.4])
    assert (during == during[0]).all()
    assert (pictures_of(shot, [5.7])[0] != during[0]).any()
    still = replace(plain(), medium=Medium(grain=12.0))
    assert (pictures_of(still, [3.0]) != pictures_of(still, [3.7])).mean() > 0.5, "grain lives elsewhere"
    assert not [event for event in log_of(shot).of(EventKind.STOPS) if event.start_s < 8]


def test_black_is_black_and_bars_are_bars() -> None:
    """Guards what is shown where there is no picture."""
    black = replace(plain(), medium=Medium(shows=BLACK))
    assert not pictures_of(black, [0.0, 3.0]).any()
    assert only(black, EventKind.MEDIUM).what == "black"
    bars = replace(plain(), medium=Medium(shows=BARS))
    picture = pictures_of(bars, [2.0])[0]
    assert (picture == picture[0]).all()
    assert len({tuple(pixel) for pixel in picture[0].tolist()}) == 7
    assert only(bars, EventKind.MEDIUM).what == "test pattern"


def test_light_that_goes_out_is_logged_when_the_picture_darkens() -> None:
    """Guards the light's times, and that dark means dark."""
    shot = replace(plain(), light=Light(changes=(Change(4.0, 4.05, -1.2),)))
    states = [(event.what, event.start_s) for event in log_of(shot).of(EventKind.LIGHT)]
    assert states == [("normal", 0.0), ("changes", 4.0), ("dark", 4.5)]
    before, after = (float(picture.mean()) for picture in pictures_of(shot, [3.9, 4.6]))
    assert after == pytest.approx(before * np.exp(-1.2), rel=0.1)


def test_bars_around_the_picture_are_black_and_hide() -> None:
    """Guards sides: what passes beside the picture of a telephone held upright is not in it."""
    medium = Medium(window=(-0.15, -0.28125, 0.15, 0.28125))
    path = Path(-0.3, 0.0, float(np.log(0.1)), (Leg(1.0, 5.0, 0.3),))
    shot = replace(plain(), medium=medium, things=(thing(path),))
    event = only(shot, EventKind.ENTERS)
    assert event.side == "left"
    assert event.start_s > 1.5
    picture = pictures_of(shot, [5.0])[0]
    assert not picture[:, :78].any()
    assert not picture[:, 146:].any()
    assert picture[:, 79:145].std() > 10


def test_an_arm_enters_though_most_of_it_stays_outside() -> None:
    """Guards what is seen of large things: by its share alone, nobody would ever reach for anything."""
    path = Path(-0.75, 0.0, float(np.log(0.15)), (Leg(1.0, 3.0, 0.7), Leg(5.0, 7.0, -0.7)))
    arm = replace(thing(path, kind=Figure.ARM), turns=False)
    shot = replace(plain(), things=(arm,))
    assert only(shot, EventKind.ENTERS).side == "left"
    assert only(shot, EventKind.LEAVES).side == "left"
    assert [event.direction for event in log_of(shot).of(EventKind.MOVES)] == ["right", "left"]


def test_what_is_printed_on_the_picture_stays_and_is_no_thing() -> None:
    """Guards signs and words against a camera that moves, and the log against them."""
    sign = replace(thing(Path(0.3, 0.15, float(np.log(0.1)))), printed=True)
    pan = Leg(-5, 15, dx=2.0)
    shot = replace(panned(plain(), pan), things=(sign,))
    first, second = pictures_of(shot, [2.0, 5.0])
    rows, columns = slice(90, 104), slice(174, 185)
    np.testing.assert_array_equal(first[rows, columns], second[rows, columns])
    assert (first != second).any()
    log = log_of(shot)
    assert not log.tracks
    assert log.events == log_of(panned(plain(), pan)).events


def test_what_stands_near_passes_by_faster() -> None:
    """Guards nearness: the box goes with it, and it does not move for all that."""
    near = replace(thing(Path(0.2, 0.0, float(np.log(0.1)))), nearness=0.5)
    shot = replace(panned(plain(), Leg(-5, 15, dx=1.0)), things=(near,))
    log = log_of(shot)
    (track,) = log.tracks
    centres = track.boxes[:, ::2].mean(axis=1)
    seen = np.flatnonzero(track.seen == 1)
    speed = (centres[seen[-1]] - centres[seen[0]]) / (track.times_s[seen[-1]] - track.times_s[seen[0]])
    assert speed == pytest.approx(-1.5 * only(shot, EventKind.CAMERA).speed, rel=0.1)
    assert not log.of(EventKind.MOVES)
