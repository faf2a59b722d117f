"""The amount of motion that the log tells of, against the pixels that change, over whole worlds."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from svlm_cli.simulator.footage.events import EventKind
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.light import Light
from svlm_cli.simulator.footage.render import render
from svlm_cli.simulator.footage.shots import Shot
from svlm_cli.simulator.footage.views import views_of
from tests.simulator.footage.scenery import bank


def still(shot: Shot) -> bool:
    """Whether pixels change for no other reason than things that move."""
    moved = shot.camera.shake or shot.camera.path.legs or shot.camera.follows
    return not (moved or shot.medium.waves[3] or shot.medium.weather[0])


def test_as_much_changes_as_the_log_tells() -> None:
    """Guards thresholds, areas and depths together: much is more on the pictures than what the log calls little."""
    changes = defaultdict(list)
    for seed in range(200, 220):
        footage = EndlessFootage(seed)
        for shot in filter(still, footage.shots(0, 120)):
            clear = replace(shot, light=Light(), medium=replace(shot.medium, grain=0.0, blocks=0.0))
            for event in footage.shot_log(shot.number).of(EventKind.MOTION):
                times = np.arange(event.start_s + 0.1, event.end_s - 0.1, 0.5)[:2] - shot.start_s
                if len(times) > 1:
                    pictures = render(views_of(clear, times), bank()).astype(int)
                    changed = np.abs(np.diff(pictures, axis=0)).max(axis=3) > 12
                    changes[event.what].append(float(changed.mean()))
    assert min(len(found) for found in changes.values()) >= 8
    nothing, little, some, much = (np.asarray(changes[what]) for what in ("nothing", "little", "some", "much"))
    assert np.median(nothing) < 1e-3
    assert np.quantile(nothing, 0.8) < 5e-3
    assert np.quantile(little, 0.2) > 1e-3
    assert np.quantile(some, 0.1) > 3e-3
    assert np.quantile(much, 0.1) > 1e-2
    assert np.median(nothing) < np.median(little) < np.median(some) < np.median(much)
