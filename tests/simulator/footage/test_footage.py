"""Footage: the same from one seed, however it is asked for, and with all that everyday video has."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from svlm_cli.simulator.footage.describing import COLUMNS, MOTIONS, ROWS, THING_MOTIONS, describe, moving_cells
from svlm_cli.simulator.footage.events import EventKind
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.render import SIZE, draw, render
from svlm_cli.simulator.footage.scenes import FootageScenes
from svlm_cli.simulator.footage.shots import How
from svlm_cli.simulator.footage.views import views_of
from tests.simulator.footage.scenery import bank

TIMES = np.arange(0, 240, 2.9)


def test_numpy_and_torch_draw_the_same_pixels() -> None:
    """Guards training on other pictures than those that were looked at, and batches: neighbours change nothing."""
    pictures = bank()
    scenes = FootageScenes.join([EndlessFootage(seed).scenes(TIMES[:45]) for seed in (1, 12)])
    assert (scenes.first != scenes.second).any(), "a cross-fade is among them"
    one_by_one = render(scenes, pictures)
    assert one_by_one.shape == (90, *SIZE, 3)
    assert one_by_one.dtype == np.uint8
    for part in np.array_split(np.arange(len(scenes)), 5):
        drawn = draw(torch, scenes.take(part), pictures, device="cpu")
        np.testing.assert_array_equal(drawn.numpy(), one_by_one[part])


def test_nothing_is_asked_of_the_device() -> None:
    """Guards speed: on ``meta`` there are no numbers, so whatever waits for one of the device fails."""
    scenes = EndlessFootage(1).scenes(TIMES[:60])
    assert draw(torch, scenes, bank(), device="meta").shape == (60, *SIZE, 3)


def test_seeking_is_playing_through() -> None:
    """Guards seeds: a moment, and what is said of it, must not depend on what was asked for before."""
    pictures = bank()
    played = EndlessFootage(3)
    through = render(played.scenes(TIMES), pictures)
    for at in (80, 41, 7):
        np.testing.assert_array_equal(render(EndlessFootage(3).scenes([TIMES[at]]), pictures)[0], through[at])
    log = played.log(0, 240)
    assert EndlessFootage(3).log(100, 120).events == tuple(
        event for event in log.events if event.start_s < 120 and (event.start_s >= 100 or event.end_s > 100)
    )
    assert (through[41] != render(EndlessFootage(2).scenes([TIMES[41]]), pictures)[0]).any()


def test_times_may_come_in_any_order_and_number() -> None:
    """Guards the way back from shots to the order that was asked for."""
    footage, pictures = EndlessFootage(5), bank()
    order = [40.0, 3.0, 77.5, 3.0]
    shuffled = render(footage.scenes(order), pictures)
    for picture, time_s in zip(shuffled, order, strict=True):
        np.testing.assert_array_equal(picture, render(footage.scenes([time_s]), pictures)[0])
    assert render(footage.scenes([]), pictures).shape == (0, *SIZE, 3)
    with pytest.raises(ValueError, match="before the footage begins"):
        footage.scenes([-1.0])


def test_shots_follow_one_another_without_a_gap() -> None:
    """Guards the log's cover of time: shots, and the states in each."""
    footage = EndlessFootage(6)
    shots = footage.shots(0, 600)
    assert shots[0].start_s == 0
    for one, next_one in pairwise(shots):
        assert next_one.start_s == pytest.approx(one.end_s)
    log = footage.log(0, 600)
    for kind in (
        EventKind.SHOT,
        EventKind.CAMERA,
        EventKind.MOTION,
        EventKind.NUMBER,
        EventKind.LIGHT,
        EventKind.MEDIUM,
    ):
        states = log.of(kind)
        assert states[0].start_s == 0
        for before, after in pairwise(states):
            assert after.start_s == pytest.approx(before.end_s, abs=2e-3), kind
    assert len({shot.length_s for shot in shots}) > 20
    assert max(shot.length_s for shot in shots) > 5 * min(shot.length_s for shot in shots)


def test_fades_go_through_black_and_cross_fades_mix() -> None:
    """Guards how a shot begins: on the picture as in the log."""
    pictures = bank()
    checked = set()
    for seed in range(8):
        footage = EndlessFootage(seed)
        for shot in footage.shots(20, 300):
            if shot.how is How.FADE:
                assert not render(footage.scenes([shot.start_s]), pictures).any()
            elif shot.how is How.CROSS_FADE:
                before = footage.shot(shot.number - 1)
                middle = footage.scenes([shot.start_s + shot.fade_s / 2])
                mixed, new, old = (
                    render(scenes, pictures)[0].astype(float)
                    for scenes in (
                        middle,
                        views_of(shot, np.asarray([shot.fade_s / 2])),
                        views_of(before, np.asarray([before.length_s + shot.fade_s / 2])),
                    )
                )
                np.testing.assert_allclose(mixed, (new + old) / 2, atol=1.01)
            else:
                continue
            checked.add(shot.how)
        if len(checked) == 2:
            return
    raise AssertionError(f"only {checked} came")


def test_everything_happens_within_an_hour() -> None:
    """Guards the draws: a kind of event that never comes is never learned."""
    seen: Counter[str] = Counter()
    wanted = [*EventKind, *_WORDS.split(", ")]
    for seed in range(6):
        for event in EndlessFootage(seed).log(0, 600).events:
            seen[event.kind] += 1
            for word in (event.what, event.direction, event.side and f"{event.kind} {event.side}", event.size):
                seen[word] += 1
        if all(seen[word] for word in wanted):
            break
    assert not [word for word in wanted if not seen[word]]


_WORDS = (
    "start, cut, fade, cross-fade, still, shakes, pans left, pans right, tilts up, tilts down, zooms in, zooms out, "
    "follows, moves otherwise, nothing, little, some, much, 0, 1, 2, 3, many, dark, normal, bright, flickers, changes, "
    "picture, frozen, black, test pattern, rain, snow, left, right, up, down, nearer, away, about, enters left, "
    "enters right, enters top, enters bottom, enters middle, leaves left, leaves right, leaves top, leaves bottom, "
    "leaves middle, small, middle, large"
)


_OF_CAMERAS = {at for at, motion in enumerate(MOTIONS) if motion not in THING_MOTIONS}  # and of what does not move


def test_cells_and_descriptions_agree() -> None:
    """Guards labels of visual tokens against lying beside the things that they are about."""
    seen = Counter[str]()
    for seed in range(3):
        footage = EndlessFootage(seed)
        for second in range(240):
            cells = moving_cells(footage, second, ROWS, COLUMNS)
            said = re.search(r"n1 c(.) r(.) (\w+) (\w+)", describe(footage, second))
            if said is not None:
                column, row, size, direction = said.groups()
                assert cells[int(row) - 1, int(column) - 1] == MOTIONS.index(direction)
                assert set(np.unique(cells)) - _OF_CAMERAS <= {MOTIONS.index(direction)}
                seen[size] += 1
                assert size != "small" or np.count_nonzero(cells == MOTIONS.index(direction)) <= 4
            described = describe(footage, second)
            assert bool(re.search(r"c. r. ", described)) == bool(set(np.unique(cells)) - _OF_CAMERAS)
            camera = re.match(r"(pans|tilts|zooms) \w+|shakes|follows|moves", described)
            does = "" if camera is None else {"moves": "moves otherwise"}.get(camera[0], camera[0])
            assert set(np.unique(cells)) & _OF_CAMERAS <= {MOTIONS.index(does)}
    assert len(seen) == 3
